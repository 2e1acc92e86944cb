import { once } from 'node:events'
import net, { type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { joinBoth } from '../../lib/stream/join-both.js'
import { proxyHeader } from '../../lib/stream/proxy-header.js'
import type { TunnelListener, TunnelListenerOptions } from './tunnel-listener.js'

/** So often a silent client is asked whether it is still there. */
const keepAliveMs = 60_000

/** Takes TCP connections and carries each to the target, each half to its end. Rejects when it cannot listen. */
export async function listenForConnections(options: TunnelListenerOptions): Promise<TunnelListener> {
  const { listen, places } = options
  const sockets = new Set<Socket>()
  const past = { in: 0, out: 0 }
  const counts = { total: 0, failed: 0, refused: 0 }
  let onEmpty = () => {}

  const server = net.createServer({
    allowHalfOpen: true,
    pauseOnConnect: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: keepAliveMs,
  })
  server.on('connection', (socket) => {
    counts.total++
    socket.on('error', () => {}) // its own end, and no other's
    const { remoteAddress } = socket
    // It went before it was taken, which the socket itself tells only to who reads.
    if (remoteAddress === undefined) return void socket.destroy()
    const place = places.take(remoteAddress)
    if ('refusal' in place) {
      counts.refused++
      options.onRefused(place.refusal)
      return void socket.resetAndDestroy()
    }
    sockets.add(socket)
    socket.once('close', () => {
      place.leave()
      sockets.delete(socket)
      past.in += socket.bytesRead
      past.out += socket.bytesWritten
      if (sockets.size === 0) onEmpty()
    })
    void carry(socket, options, fail)
  })
  const fail = (socket: Socket, why: unknown) => {
    counts.failed++
    options.onFailure(why)
    socket.resetAndDestroy()
  }
  server.listen({ host: listen.address, port: listen.port })
  await once(server, 'listening')
  // That one connection could not be accepted does not end the others.
  server.on('error', options.onFailure)
  const endAll = () => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  return {
    stopListening() {
      server.close()
      return new Promise((resolve) => {
        onEmpty = resolve
        if (sockets.size === 0) resolve()
      })
    },
    endAll,
    counts() {
      const bytes = { ...past }
      for (const socket of sockets) {
        bytes.in += socket.bytesRead
        bytes.out += socket.bytesWritten
      }
      return { connections: { open: sockets.size, ...counts }, bytes }
    },
  }
}

async function carry(socket: Socket, options: TunnelListenerOptions, fail: (socket: Socket, why: unknown) => void): Promise<void> {
  const { remoteAddress: address = '', remotePort = 0, localAddress = '', localPort = 0 } = socket
  const leaving = new AbortController()
  const leave = () => leaving.abort(new Error('the client went away'))
  socket.once('close', leave)
  let stream: Duplex
  try {
    stream = await options.dial(leaving.signal)
    if (options.proxyProtocol() === 'v2')
      stream.write(proxyHeader({ address, port: remotePort }, { address: localAddress, port: localPort }))
  } catch (error) {
    return socket.destroyed ? undefined : fail(socket, error)
  }
  socket.off('close', leave)
  if (socket.destroyed) return void stream.destroy()
  await joinBoth(socket, stream)
}
