import type { IncomingMessage } from 'node:http'
import { ConnectionError } from './client.js'

/** How often one request is sent at most. */
export const maxTries = 10

/** Longest wait that a server may ask for, milliseconds; more is a failure at once. */
const maxRetryAfterMs = 60_000

const readMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Whether sending the request twice is the same as once. */
export function isRead(method: string): boolean {
  return readMethods.has(method)
}

/**
 * Milliseconds to wait before the same request is sent again, or undefined when the answer stands. Reads come back on 429 and 503; writes
 * on 429 alone, which says that the server did not act.
 */
export function retryAfterMs(method: string, response: Pick<IncomingMessage, 'statusCode' | 'headers'>): number | undefined {
  const told = response.headers['retry-after']
  if (told === undefined || !/^\d{1,6}$/.test(told)) return undefined
  const mayRetry = response.statusCode === 429 || (response.statusCode === 503 && isRead(method))
  const delayMs = Number(told) * 1000
  return mayRetry && delayMs <= maxRetryAfterMs ? delayMs : undefined
}

/** Whether the connection broke before a byte of the answer came, so that a read may be sent once more. */
export function isReset(error: unknown): boolean {
  const code = causeCode(error)
  return code === 'ECONNRESET' || code === 'EPIPE'
}

/** Whether no connection was made at all: the server cannot have acted. */
export function isRefused(error: unknown): boolean {
  return causeCode(error) === 'ECONNREFUSED'
}

function causeCode(error: unknown): string | undefined {
  if (!(error instanceof ConnectionError)) return undefined
  const { cause } = error
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined
}
