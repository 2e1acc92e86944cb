import type { Duplex } from 'node:stream'
import { sameValue } from '../../lib/api/json/same-value.js'
import type { Tunnel, TunnelSpec } from '../../lib/api/kinds/tunnel.js'
import { isEveryAddress, parseListenAddress } from '../../lib/api/listen-address.js'
import type { TunnelCounts } from '../../lib/api/tunnel-stats.js'
import { type Clock, timestamp } from '../../lib/base/clock.js'
import { TokenBucket } from '../../lib/base/token-bucket.js'
import { listenForConnections } from './connection-listener.js'
import { listenForDatagrams } from './datagram-listener.js'
import { addressOutside, type ListenFailure, listenFailureOf } from './listen-failure.js'
import { type PlaceLimits, Places } from './places.js'
import type { TunnelListener } from './tunnel-listener.js'

export interface OpenTunnelOptions {
  readonly clock: Clock
  readonly limits: PlaceLimits
  /** All that the gateway listens on, unless that is its whole machine: the only address for Tunnels. */
  readonly host: string
  /** To the target of this Tunnel, wherever it is now. Rejects with a sentence. */
  readonly dial: (tunnel: Tunnel, signal: AbortSignal) => Promise<Duplex>
  /** Connections find no place; told at most once a minute. */
  readonly onRefused: (tunnel: Tunnel, why: string) => void
}

/** One Tunnel at the gateway, from its first pass to its deletion. */
export class OpenTunnel {
  #tunnel: Tunnel
  #listener: TunnelListener | undefined
  /** Where the listener listens. */
  #place: Pick<TunnelSpec, 'protocol' | 'listen'> | undefined
  /** They listen no more, and still carry something. */
  readonly #earlier = new Set<TunnelListener>()
  /** What listeners have counted that carry nothing any more. */
  #past: TunnelCounts = noCounts
  readonly #places: Places
  readonly #tellingOfRefusals: TokenBucket
  #lastFailure: TunnelCounts['lastFailure']
  #closed = false

  constructor(
    tunnel: Tunnel,
    private readonly options: OpenTunnelOptions,
  ) {
    this.#tunnel = tunnel
    this.#places = new Places(options.limits)
    this.#tellingOfRefusals = new TokenBucket({ clock: options.clock, burst: 1, perSecond: 1 / 60 })
  }

  /**
   * Listens where the spec says, and nowhere else. Connections to a target that is no longer that of the Tunnel are ended; others go on,
   * wherever they came in. Resolves with why it does not listen, if so. One call at a time.
   */
  async ensure(tunnel: Tunnel): Promise<ListenFailure | undefined> {
    const isOtherTarget = !sameValue(this.#tunnel.spec.target, tunnel.spec.target)
    this.#tunnel = tunnel
    if (isOtherTarget) this.#endAll()
    const place = this.#placeOf(tunnel)
    if (this.#listener && sameValue(this.#place, place)) return undefined
    this.#leave()
    const outside = addressOutside(this.options.host, place.listen)
    if (outside) return outside
    try {
      const listener = await this.#listen(place)
      this.#listener = listener
      this.#place = place
      if (this.#closed) this.close()
      return undefined
    } catch (error) {
      return listenFailureOf(error, place)
    }
  }

  counts(): TunnelCounts {
    const all = [...this.#earlier, ...(this.#listener ? [this.#listener] : [])].map((listener) => listener.counts())
    const { datagrams, ...counts } = all.reduce(added, this.#past)
    return {
      ...counts,
      ...(this.#tunnel.spec.protocol === 'udp' ? { datagrams: datagrams ?? noDatagrams } : {}),
      ...(this.#lastFailure ? { lastFailure: this.#lastFailure } : {}),
    }
  }

  /** Ends everything, for good. */
  close(): void {
    this.#closed = true
    this.#leave()
    this.#endAll()
  }

  #placeOf({ spec: { protocol, listen } }: Tunnel): Pick<TunnelSpec, 'protocol' | 'listen'> {
    const { host } = this.options
    const isHosts = isEveryAddress(parseListenAddress(listen.address) ?? '') && !isEveryAddress(host)
    return { protocol, listen: isHosts ? { ...listen, address: host } : listen }
  }

  #listen({ protocol, listen }: Pick<TunnelSpec, 'protocol' | 'listen'>): Promise<TunnelListener> {
    const { dial, clock, onRefused } = this.options
    const begin = protocol === 'udp' ? listenForDatagrams : listenForConnections
    return begin({
      listen,
      places: this.#places,
      proxyProtocol: () => this.#tunnel.spec.proxyProtocol,
      dial: (signal) => dial(this.#tunnel, signal),
      onFailure: (why) => {
        this.#lastFailure = { time: timestamp(clock.now()), message: why instanceof Error ? why.message : String(why) }
      },
      onRefused: (why) => {
        if (this.#tellingOfRefusals.tryTake()) onRefused(this.#tunnel, why)
      },
    })
  }

  /** An earlier listener stays for what it carries; then its counts alone. */
  #leave(): void {
    const listener = this.#listener
    if (!listener) return
    this.#listener = undefined
    this.#earlier.add(listener)
    void listener.stopListening().then(() => {
      this.#earlier.delete(listener)
      this.#past = added(this.#past, listener.counts())
    })
  }

  #endAll(): void {
    for (const listener of [...this.#earlier, ...(this.#listener ? [this.#listener] : [])]) listener.endAll()
  }
}

const noDatagrams = { in: 0, out: 0, dropped: 0 }
const noCounts: TunnelCounts = { connections: { open: 0, total: 0, failed: 0, refused: 0 }, bytes: { in: 0, out: 0 } }

function added(a: TunnelCounts, b: TunnelCounts): TunnelCounts {
  const [one, other] = [a.datagrams ?? noDatagrams, b.datagrams ?? noDatagrams]
  return {
    connections: {
      open: a.connections.open + b.connections.open,
      total: a.connections.total + b.connections.total,
      failed: a.connections.failed + b.connections.failed,
      refused: a.connections.refused + b.connections.refused,
    },
    bytes: { in: a.bytes.in + b.bytes.in, out: a.bytes.out + b.bytes.out },
    datagrams: { in: one.in + other.in, out: one.out + other.out, dropped: one.dropped + other.dropped },
  }
}
