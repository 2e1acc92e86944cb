import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { createWebSocketStream, WebSocketServer } from 'ws'
import { maxMessageBytes } from './websocket-channels.js'

/** kubectl's port-forward since 1.31: the bytes of SPDY in binary messages. */
export const tunnelProtocol = 'SPDY/3.1+portforward.k8s.io'

export function offersTunnel(request: IncomingMessage): boolean {
  return (request.headers['sec-websocket-protocol'] ?? '').split(',').some((word) => word.trim() === tunnelProtocol)
}

/**
 * Completes the upgrade and gives the tunnel's bytes. The protocol's name has a slash, which no subprotocol may have and the ws package
 * refuses: so the package does not see it, and it is answered beside the package.
 */
export function acceptTunnel(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<Duplex> {
  const server = new WebSocketServer({ noServer: true, clientTracking: false, maxPayload: maxMessageBytes })
  server.on('headers', (headers) => headers.push(`Sec-WebSocket-Protocol: ${tunnelProtocol}`))
  delete request.headers['sec-websocket-protocol']
  return new Promise((resolve, reject) => {
    server.once('wsClientError', reject)
    socket.once('close', () => reject(new Error('the client broke the upgrade off')))
    server.handleUpgrade(request, socket, head, (webSocket) => resolve(createWebSocketStream(webSocket)))
  })
}
