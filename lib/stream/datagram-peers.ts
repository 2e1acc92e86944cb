import type { RemoteInfo, Socket } from 'node:dgram'
import { type DatagramCounts, DatagramDuplex, noDatagrams } from './datagrams.js'

export interface DatagramPeersOptions {
  /** Bound, and read by nobody else. */
  readonly socket: Socket
  /** Carries what one peer says and hears, until the duplex or the other side ends. */
  readonly carry: (peer: DatagramDuplex, from: RemoteInfo) => Promise<void>
  /** How long a peer may be silent in both directions. Default 60 s. */
  readonly idleMs?: number
  /** More at once are not answered. Default 1,024. */
  readonly maxPeers?: number
}

const defaultIdleMs = 60_000
/** So often within that time it is looked at whether a peer has spoken. */
const idleTurns = 4
const defaultMaxPeers = 1_024

/** Gives each peer of a UDP socket, which is an address and a port, a stream of its own. */
export class DatagramPeers {
  readonly #peers = new Map<string, DatagramDuplex>()
  /** Of peers that are gone. */
  #past = noDatagrams
  readonly #options: DatagramPeersOptions

  constructor(options: DatagramPeersOptions) {
    this.#options = options
    options.socket.on('message', (datagram, from) => this.#peerOf(from)?.receive(datagram))
  }

  get size(): number {
    return this.#peers.size
  }

  get counts(): DatagramCounts {
    let sum = this.#past
    for (const { counts } of this.#peers.values()) sum = added(sum, counts)
    return sum
  }

  /** Ends what is carried for all peers; those that go on speaking are new. */
  endAll(): void {
    for (const peer of this.#peers.values()) peer.destroy()
  }

  #peerOf(from: RemoteInfo): DatagramDuplex | undefined {
    const { socket, carry, idleMs = defaultIdleMs, maxPeers = defaultMaxPeers } = this.#options
    const key = `${from.address} ${from.port}`
    const known = this.#peers.get(key)
    if (known) return known
    if (this.#peers.size >= maxPeers) {
      this.#past = added(this.#past, { ...noDatagrams, dropped: 1 })
      return undefined
    }
    const peer = new DatagramDuplex({
      send: (datagram, done) => socket.send(datagram, from.port, from.address, done),
      close: () => {
        clearInterval(watch)
        this.#peers.delete(key)
        this.#past = added(this.#past, peer.counts)
      },
    })
    let seen = 0
    let quietTurns = 0
    const watch = setInterval(() => {
      const { sent, received } = peer.counts
      quietTurns = sent + received === seen ? quietTurns + 1 : 0
      seen = sent + received
      if (quietTurns >= idleTurns) peer.destroy()
    }, idleMs / idleTurns)
    this.#peers.set(key, peer)
    // How it ends is of no account to the other peers.
    void carry(peer, from)
      .catch(() => {})
      .finally(() => peer.destroy())
    return peer
  }
}

function added(a: DatagramCounts, b: DatagramCounts): DatagramCounts {
  return {
    sent: a.sent + b.sent,
    received: a.received + b.received,
    dropped: a.dropped + b.dropped,
    bytesSent: a.bytesSent + b.bytesSent,
    bytesReceived: a.bytesReceived + b.bytesReceived,
  }
}
