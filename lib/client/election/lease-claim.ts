import { isAlreadyExists, isConflict, isNotFound } from '../../api/api-error.js'
import { Lease } from '../../api/kinds/lease.js'
import { type Clock, microTimestamp } from '../../base/clock.js'
import type { Client } from '../client.js'
import { isSurelyGone } from './holder-process.js'

export interface LeaseClaimOptions {
  readonly client: Client
  readonly clock: Clock
  readonly namespace: string
  readonly name: string
  /** No other process has it. */
  readonly identity: string
  readonly leaseDurationMs: number
}

/** One process's claim on a Lease. */
export class LeaseClaim {
  readonly #options: LeaseClaimOptions
  /** The Lease as last seen, and since when, on our own monotonic clock, it has stood like that. */
  #seen: { readonly lease: Lease; readonly sinceMs: number } | undefined

  constructor(options: LeaseClaimOptions) {
    this.#options = options
  }

  /** Who holds the Lease, as far as this process knows. */
  get holder(): string | undefined {
    return this.#seen?.lease.spec.holderIdentity || undefined
  }

  /** Takes the Lease or renews it; false when somebody else has it. Every write is guarded by the revision that was judged. */
  async takeOrRenew(signal: AbortSignal): Promise<boolean> {
    const leases = this.#options.client.of(Lease)
    // The second try is for a renewal whose answer was lost: the Lease has changed, and is ours all the same.
    for (let tries = 0; tries < 2; tries++) {
      const current = this.#isMine ? this.#seen?.lease : await this.#read(signal)
      if (!this.#isMineOrFree()) return false
      try {
        const written = current
          ? await leases.update({ ...current, spec: this.#spec(current) }, { signal })
          : await leases.create({ metadata: this.#at, spec: this.#spec(undefined) }, { signal })
        this.#see(written)
        return true
      } catch (error) {
        if (!isConflict(error) && !isAlreadyExists(error) && !isNotFound(error)) throw error
        this.#seen = undefined
      }
    }
    return false
  }

  /** Lets others take the Lease at once, if it is still ours. A renewal under way may come in between: then what it wrote is given back. */
  async release(signal: AbortSignal): Promise<void> {
    for (let tries = 0; this.#isMine && tries < 3; tries++) {
      const lease = this.#seen?.lease
      if (!lease) return
      try {
        const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: this.#now }
        this.#see(await this.#options.client.of(Lease).update({ ...lease, spec }, { signal }))
      } catch (error) {
        if (!isConflict(error)) throw error
        await this.#read(signal)
      }
    }
  }

  get #at(): { namespace: string; name: string } {
    const { namespace, name } = this.#options
    return { namespace, name }
  }
  get #now(): string {
    return microTimestamp(this.#options.clock.now())
  }

  get #isMine(): boolean {
    return this.#seen?.lease.spec.holderIdentity === this.#options.identity
  }

  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    try {
      const lease = await this.#options.client.of(Lease).get(this.#at, { signal })
      this.#see(lease)
      return lease
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  #see(lease: Lease): void {
    if (this.#seen?.lease.metadata.resourceVersion === lease.metadata.resourceVersion) return
    this.#seen = { lease, sinceMs: this.#options.clock.monotonic() }
  }

  /**
   * Judged by how long this process has not seen the Lease change (a Lease that somebody deleted under its holder counts as unchanged). The
   * times in the Lease are another machine's wall clock: they are for people. A holder that has surely ended is not waited for.
   */
  #isMineOrFree(): boolean {
    if (!this.#seen || this.#isMine) return true
    const { lease, sinceMs } = this.#seen
    if (!lease.spec.holderIdentity || isSurelyGone(lease.spec.holderIdentity)) return true
    const lastsMs = Math.max(this.#options.leaseDurationMs, (lease.spec.leaseDurationSeconds ?? 0) * 1000)
    return this.#options.clock.monotonic() - sinceMs >= lastsMs
  }

  #spec(before: Lease | undefined): Lease['spec'] {
    const renews = before?.spec.holderIdentity === this.#options.identity
    return {
      ...before?.spec,
      holderIdentity: this.#options.identity,
      leaseDurationSeconds: Math.ceil(this.#options.leaseDurationMs / 1000),
      acquireTime: renews ? before.spec.acquireTime : this.#now,
      renewTime: this.#now,
      leaseTransitions: (before?.spec.leaseTransitions ?? 0) + (renews || !before ? 0 : 1),
    }
  }
}
