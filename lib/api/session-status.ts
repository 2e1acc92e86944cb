import { errorReasons } from './api-error.js'

/** Why a session did not end well; docs/reasons.md shows them. */
export const sessionReasons = ['NonZeroExitCode', 'Forbidden', 'InternalError'] as const
export type SessionReason = (typeof sessionReasons)[number]

/**
 * How an exec or attach ended, as its last message says it: success, the command's own exit code, or what broke it off. A Status in shape;
 * its reason NonZeroExitCode is no failure of a request and stands in no answer.
 */
export interface SessionStatus {
  readonly kind: 'Status'
  readonly apiVersion: 'v1'
  readonly metadata: object
  readonly status: 'Success' | 'Failure'
  readonly reason?: SessionReason
  readonly message?: string
  readonly code?: number
  readonly details?: { readonly causes: readonly { readonly reason: string; readonly message: string }[] }
}

const exitCodeCause = 'ExitCode'
const head = { kind: 'Status', apiVersion: 'v1', metadata: {} } as const

/** Of a command that ended. */
export function exitStatus(exitCode: number): SessionStatus {
  if (exitCode === 0) return { ...head, status: 'Success' }
  return {
    ...head,
    status: 'Failure',
    reason: sessionReasons[0],
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    details: { causes: [{ reason: exitCodeCause, message: String(exitCode) }] },
  }
}

/** Of a session that was broken off. */
export function brokenStatus(reason: Exclude<SessionReason, 'NonZeroExitCode'>, message: string): SessionStatus {
  return { ...head, status: 'Failure', reason, message, code: errorReasons[reason].code }
}

/** The command's exit code; undefined where the status tells of something else. Pure. */
export function exitCodeOf(status: SessionStatus): number | undefined {
  if (status.status === 'Success') return 0
  const said =
    status.reason === 'NonZeroExitCode' ? status.details?.causes.find(({ reason }) => reason === exitCodeCause)?.message : undefined
  return said !== undefined && /^\d{1,3}$/.test(said) ? Number(said) : undefined
}
