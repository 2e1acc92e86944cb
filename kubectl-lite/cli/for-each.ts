import { ExitError, exitOf } from './exit-code.js'
import type { Io } from './io.js'
import { errorText } from './report-error.js'

/** Does the same for every item; one that fails is reported and does not keep the others back. The command then ends with its exit code. */
export async function forEach<T>(items: readonly T[], io: Io, action: (item: T) => Promise<void>): Promise<void> {
  let failure: unknown
  for (const item of items) {
    try {
      await action(item)
    } catch (error) {
      if (io.signal.aborted || items.length === 1) throw error
      io.err(`${errorText(error)}\n`)
      failure ??= error
    }
  }
  if (failure !== undefined) throw new ExitError(exitOf(failure))
}
