/**
 * An AbortSignal that aborts at the first SIGTERM or SIGINT. A second one ends the process at once with code 130.
 * For `main.ts` of programs.
 */
export function shutdownSignal(): AbortSignal {
  const controller = new AbortController()
  const onSignal = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(130)
    controller.abort(new Error(`stopped by ${name}`))
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  return controller.signal
}
