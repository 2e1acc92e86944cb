import type { IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { ApiError, type Status } from '../api/api-error.js'
import { printJson } from '../api/json/print-json.js'
import { ConnectionError, type RawRequest, type RawResponse } from './client.js'
import { isRead, isRefused, isReset, maxTries, retryAfterMs } from './retry.js'
import type { Transport } from './transport.js'

export interface SendOptions {
  readonly server: string
  readonly timeoutMs: number
  readonly onWarning?: ((text: string) => void) | undefined
}

/** Most that is read of an answer that is an error. */
const maxErrorBytes = 1024 * 1024

/**
 * Sends a request until an answer stands. A read is sent once more when its connection broke; what the server puts off (Retry-After) comes
 * back then, within the same deadline. Any answer but 2xx is thrown as ApiError.
 */
export async function sendRequest(transport: Transport, request: RawRequest, options: SendOptions): Promise<RawResponse> {
  const deadline = performance.now() + options.timeoutMs
  const encoded = encodeBody(request)
  let toldToWait = false
  for (let tries = 1; ; tries++) {
    const timeoutMs = Math.max(1, Math.round(deadline - performance.now()))
    let response: IncomingMessage
    try {
      response = await transport.send({ ...encoded, method: request.method, path: request.path, signal: request.signal, timeoutMs })
    } catch (error) {
      const again = (isReset(error) && isRead(request.method) && tries === 1) || (isRefused(error) && toldToWait)
      if (!again || tries >= maxTries || performance.now() > deadline) throw error
      if (isRefused(error)) await pause(200, request.signal)
      continue
    }
    const waitMs = retryAfterMs(request.method, response)
    if (waitMs !== undefined && tries < maxTries && performance.now() + waitMs < deadline) {
      response.resume()
      toldToWait = true
      await pause(waitMs, request.signal)
      continue
    }
    reportWarnings(response, options.onWarning)
    const answer = readableAnswer(response, deadline, options.server)
    if (answer.status >= 200 && answer.status < 300) return answer
    throw await errorOf(answer)
  }
}

function encodeBody(request: RawRequest): { headers: Record<string, string>; body?: string | Buffer } {
  const { body } = request
  if (body === undefined) return { headers: { ...request.headers } }
  if (typeof body === 'string' || Buffer.isBuffer(body)) return { headers: { ...request.headers }, body }
  return { headers: { 'content-type': 'application/json', ...request.headers }, body: printJson(body) }
}

/** The answer, with its body still to come. `text` keeps the request's deadline; `body` has none, for logs that follow. */
function readableAnswer(response: IncomingMessage, deadline: number, server: string): RawResponse {
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: named(response, server),
    async text() {
      const late = new ConnectionError(`${server} did not finish its answer in time`)
      const timer = setTimeout(() => response.destroy(late), Math.max(1, deadline - performance.now()))
      try {
        const chunks: Uint8Array[] = []
        for await (const chunk of named(response, server)) chunks.push(chunk)
        return Buffer.concat(chunks).toString('utf8')
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

/** The chunks; a connection that breaks between them is a ConnectionError. */
async function* named(response: IncomingMessage, server: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response) yield chunk as Uint8Array
  } catch (error) {
    const broken = error instanceof Error && 'code' in error && error.code === 'ECONNRESET'
    throw broken ? new ConnectionError(`the connection to ${server} broke in the middle of an answer`, { cause: error }) : error
  }
}

async function errorOf(answer: RawResponse): Promise<ApiError> {
  let text = ''
  for await (const chunk of answer.body) {
    text += Buffer.from(chunk).toString('utf8')
    if (text.length > maxErrorBytes) break
  }
  return errorFromBody(text, answer.status)
}

/**
 * The ApiError of an answer's body: its Status (that of a tRPC procedure lies in
 * error.data), or a short piece of whatever else a proxy wrote.
 */
export function errorFromBody(text: string, httpCode: number): ApiError {
  try {
    const parsed: unknown = JSON.parse(text)
    const status = [parsed, (parsed as ProcedureFailure | null)?.error?.data?.status].find(isStatus)
    if (status) return ApiError.fromStatus(status, httpCode)
  } catch {
    // Not JSON: shown as it is.
  }
  const shown = text.trim().replaceAll(/\s+/g, ' ').slice(0, 200)
  return ApiError.fromStatus(
    { code: httpCode, ...(shown ? { message: `the server answered with code ${httpCode}: ${shown}` } : {}) },
    httpCode,
  )
}

interface ProcedureFailure {
  readonly error?: { readonly data?: { readonly status?: unknown } }
}

function isStatus(value: unknown): value is Partial<Status> {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'Status'
}

/** `Warning: 299 - "spec.image is deprecated"`, once per header value. */
function reportWarnings(response: IncomingMessage, onWarning: ((text: string) => void) | undefined): void {
  if (!onWarning) return
  for (const [, text] of (response.headers.warning ?? '').matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)) {
    onWarning((text ?? '').replaceAll(/\\(.)/g, '$1'))
  }
}

async function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(delayMs, undefined, signal ? { signal } : {})
  } catch (error) {
    throw signal?.reason ?? error
  }
}
