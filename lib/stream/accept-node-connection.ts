import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { dataKeyHeader } from './data-connection.js'
import { duplexOverSocket } from './duplex-over-socket.js'
import { nodeStreamProtocol } from './node-session.js'

/** Whether an agent asks for the upgrade to a connection for streams. */
export function offersNodeConnection(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === nodeStreamProtocol
}

/** Completes the upgrade that an agent has asked for, once it is known who it is; with a key it is invited to dial data connections. */
export function acceptNodeConnection(socket: Duplex, head: Buffer, dataKey?: string): Duplex {
  const invitation = dataKey === undefined ? '' : `${dataKeyHeader}: ${dataKey}\r\n`
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${nodeStreamProtocol}\r\n${invitation}\r\n`)
  return duplexOverSocket(socket as Socket, head)
}
