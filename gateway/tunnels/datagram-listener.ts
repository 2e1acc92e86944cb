import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { DatagramPeers } from '../../lib/stream/datagram-peers.js'
import { joinBoth } from '../../lib/stream/join-both.js'
import { tooMany, tooManyOfOne } from './places.js'
import type { TunnelListener, TunnelListenerOptions } from './tunnel-listener.js'

/** What the kernel holds for the gateway while it is busy. It gives what it may. */
const receiveBufferBytes = 1024 * 1024

/** Enough for an answer of DNS. Who sends in another's name so brings that one little more than what it sends. */
const strangersHear = { bytes: 4096, times: 3 }

/** Takes datagrams and carries those of each peer to the target over a stream of its own. Rejects when it cannot listen. */
export async function listenForDatagrams(options: TunnelListenerOptions): Promise<TunnelListener> {
  const { listen, places } = options
  const { total, perAddress } = places.limits
  const counts = { total: 0, failed: 0, refused: 0 }
  const socket = createSocket({ type: listen.address.includes(':') ? 'udp6' : 'udp4', recvBufferSize: receiveBufferBytes })
  const peers = new DatagramPeers({
    socket,
    maxPeers: total,
    maxPeersPerAddress: perAddress,
    strangersHear,
    onRefused(why) {
      counts.refused++
      options.onRefused(why === 'all' ? tooMany(total) : tooManyOfOne(perAddress))
    },
    async carry(peer) {
      counts.total++
      const leaving = new AbortController()
      const leave = () => leaving.abort(new Error('the peer was silent'))
      peer.once('close', leave)
      try {
        const stream = await options.dial(leaving.signal)
        peer.off('close', leave)
        await joinBoth(peer, stream)
      } catch (error) {
        counts.failed++
        options.onFailure(error)
      }
    },
  })
  socket.bind({ address: listen.address, port: listen.port, exclusive: true })
  try {
    await once(socket, 'listening')
  } catch (error) {
    socket.close()
    throw error
  }
  socket.on('error', options.onFailure)
  return {
    async stopListening() {
      // Peers answer through the socket: without it there are none.
      peers.endAll()
      socket.close()
    },
    endAll: () => peers.endAll(),
    counts() {
      const { sent, received, dropped, bytesSent, bytesReceived } = peers.counts
      return {
        connections: { open: peers.size, ...counts },
        bytes: { in: bytesReceived, out: bytesSent },
        datagrams: { in: received, out: sent, dropped },
      }
    },
  }
}
