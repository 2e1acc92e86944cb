import type { RemoteInfo, Socket } from 'node:dgram'
import { type DatagramCounts, DatagramDuplex, noDatagrams } from './datagrams.js'
import { sourceOf } from './source-of.js'

export interface DatagramPeersOptions {
  /** Bound, and read by nobody else. */
  readonly socket: Socket
  /** Carries what one peer says and hears, until the duplex or the other side ends. */
  readonly carry: (peer: DatagramDuplex, from: RemoteInfo) => Promise<void>
  /** How long a peer may be silent in both directions. Default 60 s. */
  readonly idleMs?: number
  /** The same for one that was never answered. Default 10 s. */
  readonly unansweredIdleMs?: number
  /** At once. Default 1,024. */
  readonly maxPeers?: number
  /** Of one address (IPv6: of one /64). Default: as many as there may be. */
  readonly maxPeersPerAddress?: number
  /** How long a peer keeps its place at least, when others want it. Default 1 s. */
  readonly heldMs?: number
  /** Where strangers can send: what an address may hear that nobody has shown to be the sender's own. Default: everything. */
  readonly strangersHear?: StrangersHear
  /** A datagram found no place for its sender. */
  readonly onRefused?: (why: 'all' | 'address') => void
}

/** Until somebody has spoken again after an answer: so many bytes, or so many times what was said, whichever is more. */
export interface StrangersHear {
  readonly bytes: number
  readonly times: number
}

interface Peer {
  readonly duplex: DatagramDuplex
  readonly source: string
  readonly bornMs: number
  /** Bytes that were sent to it. */
  heard: number
  /** It has spoken again after an answer: that is somebody who hears us. */
  isProven: boolean
  silence: NodeJS.Timeout
}

const defaultIdleMs = 60_000
const defaultUnansweredIdleMs = 10_000
const defaultMaxPeers = 1_024
const defaultHeldMs = 1_000

/**
 * Gives each peer of a UDP socket, which is an address and a port, a stream of its own. When there is no place left, a newcomer gets that
 * of the oldest who has not spoken again after an answer; a conversation is not broken off for strangers.
 */
export class DatagramPeers {
  readonly #peers = new Map<string, Peer>()
  readonly #bySource = new Map<string, Set<Peer>>()
  /** In the order in which they came. */
  readonly #unproven = new Set<Peer>()
  /** Of peers that are gone. */
  #past = noDatagrams
  readonly #options: DatagramPeersOptions

  constructor(options: DatagramPeersOptions) {
    this.#options = options
    options.socket.on('message', (datagram, from) => this.#receive(datagram, from))
  }

  get size(): number {
    return this.#peers.size
  }

  get counts(): DatagramCounts {
    let sum = this.#past
    for (const { duplex } of this.#peers.values()) sum = added(sum, duplex.counts)
    return sum
  }

  /** Ends what is carried for all peers; those that go on speaking are new. */
  endAll(): void {
    for (const { duplex } of this.#peers.values()) duplex.destroy()
  }

  #receive(datagram: Buffer, from: RemoteInfo): void {
    // Whoever sends from no port can be answered nowhere, and Node throws where one tries.
    if (from.port === 0) return void this.#drop()
    const key = `${from.address} ${from.port}`
    const known = this.#peers.get(key)
    if (known) {
      known.silence.refresh()
      if (known.heard > 0 && !known.isProven) {
        known.isProven = true
        this.#unproven.delete(known)
      }
      known.duplex.receive(datagram)
      return
    }
    const source = sourceOf(from.address)
    const refusal = this.#makeRoom(source)
    if (refusal === undefined) this.#add(key, source, from).receive(datagram)
    else {
      this.#drop()
      this.#options.onRefused?.(refusal)
    }
  }

  #drop(): void {
    this.#past = added(this.#past, { ...noDatagrams, dropped: 1 })
  }

  /** Returns whose bound is reached where nobody may be sent away. */
  #makeRoom(source: string): 'all' | 'address' | undefined {
    const { maxPeers = defaultMaxPeers, maxPeersPerAddress = maxPeers, heldMs = defaultHeldMs } = this.#options
    const own = this.#bySource.get(source)
    const isFullForOne = (own?.size ?? 0) >= maxPeersPerAddress
    const isFull = this.#peers.size >= maxPeers
    if (!isFullForOne && !isFull) return undefined
    const oldest = firstUnproven(isFullForOne ? own : this.#unproven)
    if (!oldest || performance.now() - oldest.bornMs < heldMs) return isFull ? 'all' : 'address'
    oldest.duplex.destroy()
    return undefined
  }

  #add(key: string, source: string, from: RemoteInfo): DatagramDuplex {
    const { socket, carry, idleMs = defaultIdleMs, unansweredIdleMs = defaultUnansweredIdleMs } = this.#options
    const duplex = new DatagramDuplex({
      send: (datagram, done) => {
        if (!this.#mayHear(peer, datagram.length)) return done(new Error('more than a stranger may hear'))
        if (peer.heard === 0) {
          clearTimeout(peer.silence)
          peer.silence = setTimeout(end, idleMs)
        } else peer.silence.refresh()
        peer.heard += datagram.length
        socket.send(datagram, from.port, from.address, done)
      },
      close: () => {
        clearTimeout(peer.silence)
        this.#remove(key, peer)
      },
    })
    const end = () => void duplex.destroy()
    const silence = setTimeout(end, Math.min(idleMs, unansweredIdleMs))
    const peer: Peer = { duplex, source, bornMs: performance.now(), heard: 0, isProven: false, silence }
    this.#peers.set(key, peer)
    this.#unproven.add(peer)
    const own = this.#bySource.get(source) ?? new Set()
    this.#bySource.set(source, own.add(peer))
    // How it ends is of no account to the other peers.
    void carry(duplex, from)
      .catch(() => {})
      .finally(end)
    return duplex
  }

  #mayHear({ isProven, heard, duplex }: Peer, bytes: number): boolean {
    const { strangersHear } = this.#options
    if (isProven || !strangersHear) return true
    return heard + bytes <= Math.max(strangersHear.bytes, strangersHear.times * duplex.counts.bytesReceived)
  }

  #remove(key: string, peer: Peer): void {
    this.#peers.delete(key)
    this.#unproven.delete(peer)
    const own = this.#bySource.get(peer.source)
    own?.delete(peer)
    if (own?.size === 0) this.#bySource.delete(peer.source)
    this.#past = added(this.#past, peer.duplex.counts)
  }
}

/** Those who came first are looked at first. */
function firstUnproven(peers: Iterable<Peer> = []): Peer | undefined {
  for (const peer of peers) if (!peer.isProven) return peer
  return undefined
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
