/** A failure of ours for the log, with its cause. */
export function printError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? (error.stack ?? error.message) : `${error.message}: ${printError(error.cause)}`
}
