/**
 * The one table of errors. Every failure that a client sees is a Kubernetes Status with a reason from here.
 */

import { printJson } from './json/print-json.js'

/** reason → HTTP code, and whether the same request may succeed later without a change. */
export const errorReasons = {
  BadRequest: { code: 400, retryable: false },
  Unauthorized: { code: 401, retryable: false },
  Forbidden: { code: 403, retryable: false },
  NotFound: { code: 404, retryable: false },
  MethodNotAllowed: { code: 405, retryable: false },
  NotAcceptable: { code: 406, retryable: false },
  AlreadyExists: { code: 409, retryable: false },
  Conflict: { code: 409, retryable: true },
  Expired: { code: 410, retryable: false },
  RequestEntityTooLarge: { code: 413, retryable: false },
  UnsupportedMediaType: { code: 415, retryable: false },
  Invalid: { code: 422, retryable: false },
  TooManyRequests: { code: 429, retryable: true },
  InternalError: { code: 500, retryable: false },
  ServiceUnavailable: { code: 503, retryable: true },
  Timeout: { code: 504, retryable: true },
} as const satisfies Record<string, { code: number; retryable: boolean }>

export type ErrorReason = keyof typeof errorReasons

export type CauseReason =
  | 'FieldValueInvalid'
  | 'FieldValueRequired'
  | 'FieldValueNotSupported'
  | 'FieldValueDuplicate'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueTypeInvalid'
  | 'FieldManagerConflict'
  | 'NamespaceTerminating'
  | 'ResourceVersionTooLarge'
  | 'UnexpectedServerResponse'
  | 'WaitingToStart'
  | 'DisruptionBudget'

/** One thing that is wrong: `{ reason: 'FieldValueInvalid', field: 'spec.tries', message: 'Invalid value: -1: must be at least 0' }`. */
export interface StatusCause {
  readonly reason: CauseReason
  readonly message: string
  readonly field?: string
}

export interface StatusDetails {
  readonly name?: string
  readonly group?: string
  /** The resource's plural, as Kubernetes has it. */
  readonly kind?: string
  readonly uid?: string
  readonly causes?: readonly StatusCause[]
  readonly retryAfterSeconds?: number
}

/** The body of every answer that is not a success. */
export interface Status {
  kind: 'Status'
  apiVersion: 'v1'
  metadata: Record<string, unknown>
  status: 'Success' | 'Failure'
  message?: string
  reason?: string
  details?: StatusDetails
  code?: number
}

/** A failure with its Status. Thrown by the server's code, and by the client for every answer that is not a success. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly reason: ErrorReason
  readonly code: number
  readonly details: StatusDetails
  /** Extra metadata of the Status: `continue` of an expired list token. */
  readonly metadata: Record<string, unknown>

  constructor(
    reason: ErrorReason,
    message: string,
    options: { details?: StatusDetails; metadata?: Record<string, unknown>; code?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.reason = reason
    this.code = options.code ?? errorReasons[reason].code
    this.details = options.details ?? {}
    this.metadata = options.metadata ?? {}
  }

  toStatus(): Status {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: this.metadata,
      status: 'Failure',
      message: this.message,
      reason: this.reason,
      details: this.details,
      code: this.code,
    }
  }

  /** The error that a Status stands for; an unknown reason becomes the one that fits its code. */
  static fromStatus(status: Partial<Status>, httpCode: number): ApiError {
    const code = status.code ?? httpCode
    const reason = isErrorReason(status.reason) ? status.reason : reasonOfCode(code)
    return new ApiError(reason, status.message ?? `the server answered with code ${code}`, {
      code,
      ...(status.details ? { details: status.details } : {}),
      ...(status.metadata ? { metadata: status.metadata } : {}),
    })
  }
}

function isErrorReason(reason: string | undefined): reason is ErrorReason {
  return reason !== undefined && Object.hasOwn(errorReasons, reason)
}

function reasonOfCode(code: number): ErrorReason {
  for (const [reason, entry] of Object.entries(errorReasons)) if (entry.code === code && isErrorReason(reason)) return reason
  return code >= 500 ? 'InternalError' : 'BadRequest'
}

/** What an error is about; `resource` is the plural. */
export interface ErrorSubject {
  readonly group: string
  readonly resource: string
  readonly name?: string
}

/** `tasks.millrace.dev`, or `nodes` for the core group. */
export function qualifiedResource(subject: { group: string; resource: string }): string {
  return subject.group === '' ? subject.resource : `${subject.resource}.${subject.group}`
}

function detailsOf(subject: ErrorSubject): StatusDetails {
  return { ...(subject.name === undefined ? {} : { name: subject.name }), group: subject.group, kind: subject.resource }
}

export const badRequest = (message: string) => new ApiError('BadRequest', message)
/** What was asked for comes with the start of a workload; the message says why it has not started. */
export const waitingToStart = (message: string) =>
  new ApiError('BadRequest', message, { details: { causes: [{ reason: 'WaitingToStart', message }] } })
export const unauthorized = (message = 'Unauthorized') => new ApiError('Unauthorized', message)
export const notFound = (subject: ErrorSubject) =>
  new ApiError('NotFound', `${qualifiedResource(subject)} "${subject.name ?? ''}" not found`, { details: detailsOf(subject) })
export const alreadyExists = (subject: ErrorSubject) =>
  new ApiError('AlreadyExists', `${qualifiedResource(subject)} "${subject.name ?? ''}" already exists`, { details: detailsOf(subject) })
export const conflict = (subject: ErrorSubject, why: string) =>
  new ApiError('Conflict', `Operation cannot be fulfilled on ${qualifiedResource(subject)} "${subject.name ?? ''}": ${why}`, {
    details: detailsOf(subject),
  })
/** The conflict that clients know: the object changed since it was read. */
export const staleResourceVersion = (subject: ErrorSubject) =>
  conflict(subject, 'the object has been modified; please apply your changes to the latest version and try again')
export const forbidden = (subject: ErrorSubject, why: string, causes?: readonly StatusCause[]) =>
  new ApiError('Forbidden', `${qualifiedResource(subject)}${subject.name ? ` "${subject.name}"` : ''} is forbidden: ${why}`, {
    details: { ...detailsOf(subject), ...(causes ? { causes } : {}) },
  })
/** 422 with one cause per wrong field; `kind` is the singular kind name, as kubectl prints it. */
export const invalid = (subject: ErrorSubject & { kind: string }, causes: readonly StatusCause[]) => {
  const shown = causes.slice(0, maxCauses)
  const lines = shown.map((cause) => (cause.field ? `${cause.field}: ${cause.message}` : cause.message))
  const text = lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`
  const kind = subject.group === '' ? subject.kind : `${subject.kind}.${subject.group}`
  return new ApiError('Invalid', `${kind} "${subject.name ?? ''}" is invalid: ${text}`, {
    details: { ...(subject.name === undefined ? {} : { name: subject.name }), group: subject.group, kind: subject.kind, causes: shown },
  })
}
const maxCauses = 20
export const methodNotAllowed = (message: string) => new ApiError('MethodNotAllowed', message)
export const expired = (message: string, metadata?: Record<string, unknown>) =>
  new ApiError('Expired', message, metadata ? { metadata } : {})
export const tooManyRequests = (message: string, retryAfterSeconds: number) =>
  new ApiError('TooManyRequests', message, { details: { retryAfterSeconds } })
/**
 * The 429 that clients know for an eviction that must wait. Without seconds they say why
 * and ask again in their own time, instead of waiting in silence.
 */
export const disruptionRefused = (why: string, retryAfterSeconds?: number) =>
  new ApiError('TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    details: {
      causes: [{ reason: 'DisruptionBudget', message: why }],
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    },
  })
export const serviceUnavailable = (message: string, cause?: unknown) => new ApiError('ServiceUnavailable', message, { cause })
export const internalError = (message: string, cause?: unknown) => new ApiError('InternalError', message, { cause })

/** A predicate for one reason: `isApiErrorWithReason('BadRequest')(error)`. */
export const isApiErrorWithReason = (reason: ErrorReason) => (error: unknown) => hasReason(error, reason)
const hasReason = (error: unknown, reason: ErrorReason) => error instanceof ApiError && error.reason === reason
export const isNotFound = (error: unknown) => hasReason(error, 'NotFound')
export const isAlreadyExists = (error: unknown) => hasReason(error, 'AlreadyExists')
export const isConflict = (error: unknown) => hasReason(error, 'Conflict')
export const isWaitingToStart = (error: unknown): error is ApiError =>
  error instanceof ApiError && (error.details.causes ?? []).some(({ reason }) => reason === 'WaitingToStart')
/** Why a budget forbids the eviction, in words; undefined for every other failure. */
export const whyDisruptionRefused = (error: unknown): string | undefined =>
  error instanceof ApiError ? error.details.causes?.find(({ reason }) => reason === 'DisruptionBudget')?.message : undefined
export const isExpired = (error: unknown) => hasReason(error, 'Expired')
export const isInvalid = (error: unknown) => hasReason(error, 'Invalid')
export const isForbidden = (error: unknown) => hasReason(error, 'Forbidden')
export const isUnauthorized = (error: unknown) => hasReason(error, 'Unauthorized')
/** Whether the same request may succeed later without a change. */
export const isRetryable = (error: unknown) => error instanceof ApiError && errorReasons[error.reason].retryable

/** Causes, in the words that Kubernetes uses. */
export const invalidValue = (field: string, value: unknown, why: string): StatusCause => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${printValue(value)}: ${why}`,
})
export const requiredValue = (field: string, why = ''): StatusCause => ({
  reason: 'FieldValueRequired',
  field,
  message: `Required value${why ? `: ${why}` : ''}`,
})
export const notSupported = (field: string, value: unknown, why: string): StatusCause => ({
  reason: 'FieldValueNotSupported',
  field,
  message: `Unsupported value: ${printValue(value)}: ${why}`,
})
export const forbiddenField = (field: string, why: string): StatusCause => ({
  reason: 'FieldValueForbidden',
  field,
  message: `Forbidden: ${why}`,
})
export const duplicateValue = (field: string, value: unknown): StatusCause => ({
  reason: 'FieldValueDuplicate',
  field,
  message: `Duplicate value: ${printValue(value)}`,
})

/** What stands in a cause for a value that may be secret. */
export const hiddenValue = '(hidden)'

function printValue(value: unknown): string {
  const text = printJson(value) ?? String(value)
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
