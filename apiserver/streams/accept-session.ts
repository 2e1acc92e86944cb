import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { badRequest } from '../../lib/api/api-error.js'
import { acceptChannels, chooseProtocol } from '../../lib/stream/accept-channels.js'
import { acceptTunnel, offersTunnel, tunnelProtocol } from '../../lib/stream/accept-tunnel.js'
import type { ChannelLink } from '../../lib/stream/channel-link.js'
import { acceptSpdy, offersSpdy } from '../../lib/stream/spdy/accept-spdy.js'
import { collectChannels, spdyExecProtocol } from '../../lib/stream/spdy/spdy-channels.js'
import { SpdyConnection } from '../../lib/stream/spdy/spdy-connection.js'
import type { SessionStreams } from './exec-query.js'

/** The upgrade that a client asks for. */
export interface Upgrade {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
}

/** How the client will speak: completes the upgrade when it is called, and not before. */
type Accept<T> = () => Promise<T>

/** For exec and attach. Throws BadRequest when the client offers nothing that is spoken here. */
export function acceptorOfChannels({ request, socket, head }: Upgrade, streams: SessionStreams): Accept<ChannelLink> {
  if (isWebSocket(request)) {
    if (chooseProtocol(request) === undefined) throw unknownProtocol('v5.channel.k8s.io', 'v4.channel.k8s.io')
    return () => acceptChannels(request, socket, head)
  }
  if (!offersSpdy(request, spdyExecProtocol)) throw notUpgradable(`SPDY/3.1 with ${spdyExecProtocol}`)
  const wanted = [
    'error' as const,
    ...(['stdin', 'stdout', 'stderr'] as const).filter((name) => streams[name]),
    ...(streams.tty ? (['resize'] as const) : []),
  ]
  const connect = (onStream: ConstructorParameters<typeof SpdyConnection>[1]) =>
    new SpdyConnection(acceptSpdy(socket, head, spdyExecProtocol), onStream)
  return () => collectChannels(connect, wanted)
}

const spdyForwardProtocol = 'portforward.k8s.io'

/**
 * What a port-forward is carried by: a connection with streams for as many ports and connections as the client likes, or one of each port.
 */
export type ForwardCarrier =
  | { readonly type: 'streams'; readonly transport: Duplex }
  | { readonly type: 'channels'; readonly link: ChannelLink }

/**
 * For port-forward. `needsPorts`: whether the request has to name them. Throws
 * BadRequest when the client offers nothing that is spoken here.
 */
export function acceptorOfForward({ request, socket, head }: Upgrade): { needsPorts: boolean; accept: Accept<ForwardCarrier> } {
  if (!isWebSocket(request)) {
    if (!offersSpdy(request, spdyForwardProtocol)) throw notUpgradable(`SPDY/3.1 with ${spdyForwardProtocol}`)
    return { needsPorts: false, accept: async () => ({ type: 'streams', transport: acceptSpdy(socket, head, spdyForwardProtocol) }) }
  }
  if (offersTunnel(request))
    return { needsPorts: false, accept: async () => ({ type: 'streams', transport: await acceptTunnel(request, socket, head) }) }
  if (chooseProtocol(request) === undefined) throw unknownProtocol(tunnelProtocol, 'v5.channel.k8s.io', 'v4.channel.k8s.io')
  return { needsPorts: true, accept: async () => ({ type: 'channels', link: await acceptChannels(request, socket, head) }) }
}

const isWebSocket = (request: IncomingMessage) => request.headers.upgrade?.toLowerCase() === 'websocket'

const unknownProtocol = (...known: string[]) => badRequest(`the WebSocket needs one of the subprotocols ${known.join(', ')}`)
const notUpgradable = (spdy: string) => badRequest(`the connection can be upgraded to websocket, or to ${spdy}`)
