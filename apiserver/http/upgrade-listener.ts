import { randomUUID } from 'node:crypto'
import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { badRequest, methodNotAllowed, serviceUnavailable } from '../../lib/api/api-error.js'
import type { KubeObject } from '../../lib/api/define-kind.js'
import { behind, viewOf } from '../views/object-view.js'
import { objectOf, selectionOf } from './resources/read-resource.js'
import { isSession, type ServerParts, type SessionTarget } from './server-parts.js'
import { negotiate } from './shape/negotiate.js'
import { prepareWatch, type WatchRequest } from './watch/answer-watch.js'
import { watchManyRequest } from './watch/watch-many.js'
import { WebSocketSink } from './watch/watch-sink.js'
import { sendError, sendNoSuchPath } from './wire/answer.js'
import { accessOf, authorize, type Exchange } from './wire/exchange.js'
import { parseRequest, type RequestInfo } from './wire/request-info.js'

export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/** Answers requests that change the protocol: watches over a WebSocket, and the connections that node agents dial. */
export function createUpgradeListener(parts: ServerParts, isDraining: () => boolean): UpgradeListener {
  const webSockets = new WebSocketServer({ noServer: true, maxPayload: 4096, clientTracking: false })
  // Without this the package answers in HTML.
  webSockets.on('wsClientError', ({ message }, socket, request) => {
    const response = new ServerResponse(request)
    refuse(socket, response, () => sendError(response, badRequest(message)))
  })
  return (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    const response = new ServerResponse(request)
    upgrade(parts, webSockets, { request, socket, head, response }, isDraining).catch((error: unknown) =>
      refuse(socket, response, () => sendError(response, error)),
    )
  }
}

interface Upgrade {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
  readonly response: ServerResponse
}

async function upgrade(
  parts: ServerParts,
  webSockets: WebSocketServer,
  { request, socket, head, response }: Upgrade,
  isDraining: () => boolean,
): Promise<void> {
  const info = parseRequest(request.method ?? 'GET', request.url ?? '/')
  const user = parts.authenticate(request)
  const exchange: Exchange = { request, response, info, requestId: randomUUID(), user, leave: () => {} }
  if (isNodeStream(info)) {
    authorize(parts.authorizer, accessOf(user, info))
    if (!parts.streams) throw serviceUnavailable('this server has no streams to nodes')
    // An agent dials again at once when its connection was ended, and nothing would end the new one.
    if (isDraining()) throw serviceUnavailable('the server is being stopped')
    parts.streams.handleUpgrade(info.name, request, socket, head)
    return
  }
  if (isGatewayStream(info)) {
    authorize(parts.authorizer, accessOf(user, info))
    if (!parts.streams) throw serviceUnavailable('this server has no streams to gateways')
    if (isDraining()) throw serviceUnavailable('the server is being stopped')
    const isAllowed = () => parts.authorizer.authorize(accessOf(parts.authenticate(request), info)).allowed
    return parts.streams.handleGateway(info.name, { request, socket, head }, isAllowed)
  }
  const session = sessionOf(parts, exchange)
  if (session) {
    if (!parts.streams) throw serviceUnavailable('this server has no streams to nodes')
    return parts.streams.openSession(session, request, socket, head)
  }
  const watch = watchRequestOf(parts, exchange)
  if (!watch) return refuse(socket, response, () => sendNoSuchPath(response))
  if (request.headers.upgrade?.toLowerCase() !== 'websocket')
    throw badRequest(`a watch cannot be upgraded to ${JSON.stringify(request.headers.upgrade)}`)
  const start = await prepareWatch(parts, exchange, watch)
  webSockets.handleUpgrade(request, socket, head, (webSocket) => {
    webSocket.on('error', () => webSocket.terminate())
    void start(new WebSocketSink(webSocket))
  })
}

const isNodeStream = (info: RequestInfo) => isStreamPath(info, 'nodestreams')
const isGatewayStream = (info: RequestInfo) => isStreamPath(info, 'gatewaystreams')

const isStreamPath = (info: RequestInfo, resource: string) =>
  info.group === 'millrace.dev' &&
  info.version === 'v1' &&
  info.resource === resource &&
  info.namespace === '' &&
  info.verb === 'get' &&
  info.subresource === ''

/**
 * The exec, attach, port-forward or console that is asked for, judged. Whoever opens one creates it, however the request is dressed; a
 * WebSocket begins with GET, so there both verbs are needed.
 */
function sessionOf(parts: ServerParts, exchange: Exchange): SessionTarget | undefined {
  const { info, request, user } = exchange
  const { group, version, resource, subresource, namespace, name } = info
  const kind = parts.registry.findKind(group, version, resource)
  if (!kind || !isSession(subresource) || !kind.subresources.includes(subresource) || namespace === '' || name === '') return undefined
  if (info.method !== 'GET' && info.method !== 'POST') throw methodNotAllowed(`a session is opened with GET or POST, not ${info.method}`)
  const verbs = info.method === 'GET' ? ['get', 'create'] : ['create']
  for (const verb of verbs) authorize(parts.authorizer, { ...accessOf(user, info), verb })
  const isAllowed = () => {
    const now = accessOf(parts.authenticate(request), info)
    return verbs.every((verb) => parts.authorizer.authorize({ ...now, verb }).allowed)
  }
  const view = viewOf(kind)
  const container = view?.containerOf(JSON.parse(objectOf(parts, exchange, kind).bytes.toString()) as KubeObject)
  return {
    type: subresource,
    ...behind(kind, namespace, name),
    query: info.query,
    isAllowed,
    ...(container === undefined ? {} : { container }),
  }
}

function watchRequestOf(parts: ServerParts, exchange: Exchange): WatchRequest | undefined {
  const { info, user } = exchange
  if (info.group === 'millrace.dev' && info.resource === 'watch' && info.name === '') return watchManyRequest(parts, exchange)
  const kind =
    info.verb === 'watch' && info.subresource === '' ? parts.registry.findKind(info.group, info.version, info.resource) : undefined
  if (!kind) return undefined
  const selection = selectionOf(parts, exchange, kind)
  const access = accessOf(user, info, selection.fieldEquals)
  authorize(parts.authorizer, access)
  const { shape } = negotiate(exchange.request.headers.accept, info.query, false)
  return { selections: [selection], access: [access], shape, stream: 'json' }
}

/** Answers over plain HTTP instead, and closes. */
function refuse(socket: Duplex, response: ServerResponse, send: () => void): void {
  if (socket.destroyed) return
  response.shouldKeepAlive = false
  response.assignSocket(socket as Socket)
  response.once('finish', () => socket.end())
  send()
}
