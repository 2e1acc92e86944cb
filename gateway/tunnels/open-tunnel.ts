import type { Duplex } from 'node:stream'
import { sameValue } from '../../lib/api/json/same-value.js'
import type { Tunnel, TunnelSpec } from '../../lib/api/kinds/tunnel.js'
import type { TunnelCounts } from '../../lib/api/tunnel-stats.js'
import { type Clock, timestamp } from '../../lib/base/clock.js'
import { listenForConnections } from './connection-listener.js'
import { listenForDatagrams } from './datagram-listener.js'
import { type ListenFailure, listenFailureOf } from './listen-failure.js'
import type { TunnelListener } from './tunnel-listener.js'

export interface OpenTunnelOptions {
  readonly clock: Clock
  readonly maxConnections: number
  /** To the target of this Tunnel, wherever it is now. Rejects with a sentence. */
  readonly dial: (tunnel: Tunnel, signal: AbortSignal) => Promise<Duplex>
}

/** One Tunnel at the gateway, from its first pass to its deletion. */
export class OpenTunnel {
  #tunnel: Tunnel
  #listener: TunnelListener | undefined
  /** Where the listener listens. */
  #place: Pick<TunnelSpec, 'protocol' | 'listen'> | undefined
  /** They listen no more, and still carry something. */
  readonly #earlier = new Set<TunnelListener>()
  #lastFailure: TunnelCounts['lastFailure']
  #closed = false

  constructor(
    tunnel: Tunnel,
    private readonly options: OpenTunnelOptions,
  ) {
    this.#tunnel = tunnel
  }

  /**
   * Listens where the spec says, and nowhere else. Connections to a target that is no longer that of the Tunnel are ended; others go on, wherever they came
   * in. Resolves with why it does not listen, if so. One call at a time.
   */
  async ensure(tunnel: Tunnel): Promise<ListenFailure | undefined> {
    const isOtherTarget = !sameValue(this.#tunnel.spec.target, tunnel.spec.target)
    this.#tunnel = tunnel
    if (isOtherTarget) this.#endAll()
    const { protocol, listen } = tunnel.spec
    const place = { protocol, listen }
    if (this.#listener && sameValue(this.#place, place)) return undefined
    this.#leave()
    try {
      const listener = await this.#listen()
      this.#listener = listener
      this.#place = place
      if (this.#closed) this.close()
      return undefined
    } catch (error) {
      return listenFailureOf(error, tunnel.spec)
    }
  }

  counts(): TunnelCounts {
    const all = [...this.#earlier, ...(this.#listener ? [this.#listener] : [])].map((listener) => listener.counts())
    const sum = (of: (counts: TunnelCounts) => number | undefined) => all.reduce((total, counts) => total + (of(counts) ?? 0), 0)
    return {
      connections: {
        open: sum(({ connections }) => connections.open),
        total: sum(({ connections }) => connections.total),
        failed: sum(({ connections }) => connections.failed),
      },
      bytes: { in: sum(({ bytes }) => bytes.in), out: sum(({ bytes }) => bytes.out) },
      ...(this.#tunnel.spec.protocol === 'udp'
        ? {
            datagrams: {
              in: sum(({ datagrams }) => datagrams?.in),
              out: sum(({ datagrams }) => datagrams?.out),
              dropped: sum(({ datagrams }) => datagrams?.dropped),
            },
          }
        : {}),
      ...(this.#lastFailure ? { lastFailure: this.#lastFailure } : {}),
    }
  }

  /** Ends everything, for good. */
  close(): void {
    this.#closed = true
    this.#leave()
    this.#endAll()
  }

  #listen(): Promise<TunnelListener> {
    const { maxConnections, dial, clock } = this.options
    const { protocol, listen } = this.#tunnel.spec
    const begin = protocol === 'udp' ? listenForDatagrams : listenForConnections
    return begin({
      listen,
      maxConnections,
      proxyProtocol: () => this.#tunnel.spec.proxyProtocol,
      dial: (signal) => dial(this.#tunnel, signal),
      onFailure: (why) => {
        this.#lastFailure = { time: timestamp(clock.now()), message: why instanceof Error ? why.message : String(why) }
      },
    })
  }

  /** Earlier listeners stay for their counts and for what they carry; a Tunnel that is moved often has few. */
  #leave(): void {
    if (!this.#listener) return
    this.#listener.stopListening()
    this.#earlier.add(this.#listener)
    this.#listener = undefined
  }

  #endAll(): void {
    for (const listener of [...this.#earlier, ...(this.#listener ? [this.#listener] : [])]) listener.endAll()
  }
}
