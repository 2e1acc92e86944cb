import type { Lease } from '../../lib/api/kinds/lease.js'
import { longestSilenceMs, silentAfterMs } from './judge-node.js'
import type { WatchTime } from './watch-time.js'

interface Sign {
  readonly renewal: string
  readonly atMs: number
  /** After how long without another one the node is silent. */
  readonly lastsMs: number
}

/**
 * How long each node's Lease has not been seen to change, in watch time. Its
 * times are another machine's clock: only that they change counts.
 */
export class Silence {
  readonly #signs = new Map<string, Sign>()

  constructor(private readonly watchTime: Pick<WatchTime, 'countedMs'>) {}

  /** A Lease as the watch shows it. The first sight of a node is a sign, too. */
  saw(nodeName: string, lease?: Pick<Lease, 'spec'>): void {
    const known = this.#signs.get(nodeName)
    const renewal = lease ? `${lease.spec.renewTime} ${lease.spec.holderIdentity}` : (known?.renewal ?? '')
    if (known?.renewal === renewal) return
    this.#signs.set(nodeName, { renewal, atMs: this.watchTime.countedMs, lastsMs: silentAfterMs(lease) })
  }

  forget(nodeName: string): void {
    this.#signs.delete(nodeName)
  }

  /** How long the node may be silent, milliseconds. */
  limitOf(nodeName: string): number {
    return this.#signs.get(nodeName)?.lastsMs ?? longestSilenceMs
  }

  /** Milliseconds; 0 for a node that was never seen. */
  of(nodeName: string): number {
    return this.watchTime.countedMs - (this.#signs.get(nodeName)?.atMs ?? this.watchTime.countedMs)
  }
}
