import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { duplexOverSocket } from '../duplex-over-socket.js'

/** Whether the request asks for SPDY, and offers the protocol to be spoken over it. */
export function offersSpdy(request: IncomingMessage, protocol: string): boolean {
  const offered = String(request.headers['x-stream-protocol-version'] ?? '').split(',')
  return request.headers.upgrade?.toLowerCase() === 'spdy/3.1' && offered.some((word) => word.trim() === protocol)
}

/** Completes the upgrade and gives the connection's bytes. */
export function acceptSpdy(socket: Duplex, head: Buffer, protocol: string): Duplex {
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  )
  return duplexOverSocket(socket as Socket, head)
}
