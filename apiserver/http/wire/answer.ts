/**
 * How answers leave: every failure as a Status, JSON as bytes with their length, large bodies compressed where the client takes it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'
import { ApiError, internalError, type Status } from '../../../lib/api/api-error.js'

/** Bodies below this are not worth compressing. */
const gzipFromBytes = 128 * 1024

export const jsonHeaders = { 'Content-Type': 'application/json', 'Cache-Control': 'no-cache, private' } as const

const compress = promisify(gzip)

/** Sends a whole JSON body. */
export async function sendJson(
  request: IncomingMessage,
  response: ServerResponse,
  code: number,
  body: Buffer,
  cache: string = jsonHeaders['Cache-Control'],
): Promise<void> {
  if (response.headersSent || response.destroyed) return
  const headers = { ...jsonHeaders, 'Cache-Control': cache }
  if (body.length >= gzipFromBytes && acceptsGzip(request)) {
    const packed = await compress(body, { level: constants.Z_BEST_SPEED })
    if (response.headersSent || response.destroyed) return
    response
      .writeHead(code, { ...headers, 'Content-Encoding': 'gzip', Vary: 'Accept-Encoding', 'Content-Length': packed.length })
      .end(packed)
    return
  }
  response.writeHead(code, { ...headers, 'Content-Length': body.length }).end(body)
}

/** Sends a value as JSON. For small answers; objects are sent as the bytes that they are stored as. */
export function sendValue(response: ServerResponse, code: number, value: unknown): void {
  if (response.headersSent || response.destroyed) return
  const body = Buffer.from(JSON.stringify(value))
  response.writeHead(code, { ...jsonHeaders, 'Content-Length': body.length }).end(body)
}

/** Sends the failure, or breaks the connection off when part of an answer has already gone. */
export function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const failure = toApiError(error)
  const { retryAfterSeconds } = failure.details
  if (retryAfterSeconds !== undefined) response.setHeader('Retry-After', String(retryAfterSeconds))
  if (failure.code === 401) response.setHeader('WWW-Authenticate', 'Bearer realm="millrace"')
  sendValue(response, failure.code, failure.toStatus())
}

/** The text that clients know for paths that are no part of the API. */
export function sendNoSuchPath(response: ServerResponse): void {
  if (response.headersSent || response.destroyed) return
  response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' }).end('404 page not found\n')
}

/** What a client may know of a failure: ours are told in full, anything else is an internal error without its text. */
export function toApiError(error: unknown): ApiError {
  return error instanceof ApiError
    ? error
    : internalError('the server failed to answer; its log has the cause under the Audit-Id of this request', error)
}

export function successStatus(details: Status['details'], code = 200): Status {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', ...(details ? { details } : {}), code }
}

/** `Warning: 299 - "text"`, as kubectl prints it. */
export function warningHeader(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: header values must not hold any
  const printable = text.replace(/[\u0000-\u001f\u007f]/g, ' ').replace(/[^\u0020-\u007e]/g, '?')
  return `299 - "${printable.slice(0, 1024).replace(/["\\]/g, '\\$&')}"`
}

export function acceptsGzip(request: IncomingMessage): boolean {
  return /\bgzip\b/.test(request.headers['accept-encoding']?.toString() ?? '')
}
