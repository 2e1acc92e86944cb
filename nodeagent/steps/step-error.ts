import { BackendError } from '../backends/backend.js'
import { diskIsFull, isFull } from '../files/full-disk.js'
import type { StepFailure } from './step-failure.js'

/** A step that failed: `reason` becomes a condition's reason, the message its message. */
export class StepError extends Error {
  override readonly name = 'StepError'
  constructor(
    readonly reason:
      | 'ConfigMissing'
      | 'VolumeFailed'
      | 'Refused'
      | 'Unsupported'
      | 'NetworkUnavailable'
      | 'AddressUnavailable'
      | 'SnapshotNotHere',
    message: string,
    /** Whether trying again may help. */
    readonly retryable: boolean,
    options?: { cause?: unknown },
  ) {
    super(message, options)
  }
}

/** What a failure says on the task; `otherwise` is the reason of a failure that names none. */
export function describeFailure(error: unknown, otherwise: string): { reason: string; message: string; retryable: boolean } {
  if (error instanceof StepError || error instanceof BackendError)
    return { reason: error.reason, message: error.message, retryable: error.retryable }
  if (isFull(error)) return { reason: otherwise, message: diskIsFull, retryable: true }
  return { reason: otherwise, message: error instanceof Error ? error.message : String(error), retryable: true }
}

/** What is said of an object that has not begun while nobody can look at its backend. */
export function backendUnavailable(error: unknown): StepFailure<'admit'> {
  return { type: 'admit', ...describeFailure(error, 'BackendUnavailable'), retryable: true, count: 1, retryAtMs: 0 }
}
