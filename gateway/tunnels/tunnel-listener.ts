import type { Duplex } from 'node:stream'
import type { TunnelSpec } from '../../lib/api/kinds/tunnel.js'
import type { TunnelCounts } from '../../lib/api/tunnel-stats.js'
import type { Places } from './places.js'

/** What clients of one Tunnel connect to, at one place. */
export interface TunnelListener {
  /** Frees the port. What is carried goes on; resolves when it has ended. */
  stopListening(): Promise<void>
  /** Ends what is carried. */
  endAll(): void
  counts(): TunnelCounts
}

export interface TunnelListenerOptions {
  readonly listen: TunnelSpec['listen']
  /** Those beyond are refused. */
  readonly places: Places
  /** Asked for each connection. */
  readonly proxyProtocol: () => TunnelSpec['proxyProtocol']
  /** To the target, wherever it is now. Rejects with a sentence. */
  readonly dial: (signal: AbortSignal) => Promise<Duplex>
  /** A connection failed before it reached the target. */
  readonly onFailure: (why: unknown) => void
  /** There was no place for a connection, or for a datagram; the sentence is the same each time. */
  readonly onRefused: (why: string) => void
}
