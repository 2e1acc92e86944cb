import type { Duplex } from 'node:stream'
import type { TunnelSpec } from '../../lib/api/kinds/tunnel.js'
import type { TunnelCounts } from '../../lib/api/tunnel-stats.js'

/** What clients of one Tunnel connect to, at one place. */
export interface TunnelListener {
  /** Frees the port. What is carried goes on. */
  stopListening(): void
  /** Ends what is carried. */
  endAll(): void
  counts(): TunnelCounts
}

export interface TunnelListenerOptions {
  readonly listen: TunnelSpec['listen']
  /** At once; by udp, peers. Those beyond are refused. */
  readonly maxConnections: number
  /** Asked for each connection. */
  readonly proxyProtocol: () => TunnelSpec['proxyProtocol']
  /** To the target, wherever it is now. Rejects with a sentence. */
  readonly dial: (signal: AbortSignal) => Promise<Duplex>
  /** A connection failed before it reached the target. */
  readonly onFailure: (why: unknown) => void
}
