import { randomUUID } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { ApiError } from '../../lib/api/api-error.js'
import { answerDeadlineMs } from './answer-deadline.js'
import { answerResource } from './resources/resource-request.js'
import type { ServerParts } from './server-parts.js'
import { sendError } from './wire/answer.js'
import { printError } from './wire/print-error.js'
import { parseRequest, type RequestInfo } from './wire/request-info.js'

/** Answers every request: resources here, everything else by `app`. */
export function createRequestListener(parts: ServerParts, app: RequestListener, isDraining: () => boolean): RequestListener {
  return (request, response) => {
    const requestId = requestIdOf(request)
    response.setHeader('Audit-Id', requestId)
    if (isDraining()) response.setHeader('Connection', 'close')
    let info: RequestInfo
    try {
      info = parseRequest(request.method ?? 'GET', request.url ?? '/')
    } catch (error) {
      return sendError(response, error)
    }
    if (info.isResource) void answer(parts, request, response, info, requestId)
    else app(request, response)
  }
}

async function answer(
  parts: ServerParts,
  request: IncomingMessage,
  response: ServerResponse,
  info: RequestInfo,
  requestId: string,
): Promise<void> {
  const startMs = performance.now()
  let leave = () => {}
  let isLongRunning = false
  let tooLate: NodeJS.Timeout | undefined
  try {
    tooLate = setTimeout(() => sendTooLate(response), answerDeadlineMs(info.query, info.verb, parts.limits.bounds.answerTimeoutMs))
    const user = parts.authenticate(request)
    const giveBack = parts.limits.enter(info.verb)
    leave = giveBack
    const begin = () => {
      isLongRunning = true
      clearTimeout(tooLate)
      giveBack()
    }
    await answerResource(parts, { request, response, info, requestId, user, leave: begin })
  } catch (error) {
    reportFailure(parts, error, info, requestId)
    sendError(response, error)
    dropBody(request)
  } finally {
    clearTimeout(tooLate)
    leave()
    count(parts, info, response, isLongRunning ? undefined : performance.now() - startMs)
  }
}

/** A client that sends a body which nobody will read is heard out for a moment, so that it sees the answer, and no longer. */
function dropBody(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return
  request.resume()
  const impatient = setTimeout(() => request.destroy(), 2_000)
  request.once('close', () => clearTimeout(impatient))
}

function sendTooLate(response: ServerResponse): void {
  if (!response.headersSent)
    sendError(response, new ApiError('Timeout', 'the server did not answer in time; whether a write was done is unknown'))
}

/** Failures of ours go to the log; what a client did wrong does not. */
function reportFailure({ log }: ServerParts, error: unknown, info: RequestInfo, requestId: string): void {
  if (error instanceof ApiError && error.reason !== 'InternalError') return
  log.error({ requestId, verb: info.verb, path: info.path, error: printError(error) }, 'a request failed')
}

function count(parts: ServerParts, info: RequestInfo, response: ServerResponse, durationMs: number | undefined): void {
  const kind = parts.registry.findKind(info.group, info.version, info.resource)
  const labels = { verb: countedVerbs.has(info.verb) ? info.verb : 'other', resource: kind?.plural ?? 'other' }
  parts.metrics.requests.inc({ ...labels, code: String(response.statusCode) })
  if (durationMs !== undefined) parts.metrics.requestSeconds.observe(labels, durationMs / 1000)
}
const countedVerbs = new Set(['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'])

/** The caller's own id where it is one, so that both ends' records meet. */
function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['audit-id']
  return typeof given === 'string' && /^[-A-Za-z0-9]{8,64}$/.test(given) ? given : randomUUID()
}
