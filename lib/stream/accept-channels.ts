import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { ChannelLink } from './channel-link.js'
import { channelProtocols, maxMessageBytes, WebSocketChannels } from './websocket-channels.js'

/** The best of our protocols that the client offers. */
export function chooseProtocol(request: IncomingMessage): string | undefined {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((word) => word.trim())
  return channelProtocols.find((protocol) => offered.includes(protocol))
}

/**
 * Completes the upgrade of a request for which `chooseProtocol` found a protocol. Rejects when the client broke it off, or it is malformed.
 */
export function acceptChannels(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<ChannelLink> {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: maxMessageBytes,
    handleProtocols: () => chooseProtocol(request) ?? false,
  })
  return new Promise((resolve, reject) => {
    server.once('wsClientError', reject)
    socket.once('close', () => reject(new Error('the client broke the upgrade off')))
    server.handleUpgrade(request, socket, head, (webSocket) => resolve(new WebSocketChannels(webSocket)))
  })
}
