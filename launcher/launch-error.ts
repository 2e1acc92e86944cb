import { FlagError } from '../lib/base/flags.js'

/** Something that the user can mend. Its message is a plain sentence that says what is wrong and what to do. */
export class LaunchError extends Error {
  override readonly name = 'LaunchError'
}

/** What is printed of a failure: a sentence where the user can mend it. */
export function explainFailure(error: unknown): string {
  if (error instanceof LaunchError || error instanceof FlagError) return error.message
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOSPC')
    return `The disk of the cluster's directory is full (${(error as Error).message}). Make room there and run this again.`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
