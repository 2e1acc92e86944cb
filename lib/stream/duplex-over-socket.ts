import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { RelayDuplex } from './relay-duplex.js'

/**
 * A plain Duplex around an upgraded socket, with the bytes that came behind the upgrade (`head`) first. HTTP/2 runs over this, never over
 * the TLS socket itself: handed over directly, Node aborts the process or breaks the framing.
 */
export function duplexOverSocket(socket: Socket, head?: Buffer): Duplex {
  socket.setTimeout(0)
  socket.setNoDelay(true)
  return new RelayDuplex(socket, head ? { head } : {})
}
