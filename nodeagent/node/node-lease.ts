import { isAlreadyExists, isConflict, isNotFound } from '../../lib/api/api-error.js'
import { Lease, nodeLeaseNamespace } from '../../lib/api/kinds/lease.js'
import { type Clock, microTimestamp } from '../../lib/base/clock.js'
import type { Client } from '../../lib/client/client.js'

/** Says which agent renews the Lease: the holder is the node's name, whichever agent acts for it. */
const agentAnnotation = 'millrace.dev/agent'
/** After so long without a renewal, others take the node for silent, unless the agent is told a shorter time. */
export const usualLeaseMs = 40_000

export interface NodeLeaseOptions {
  readonly client: Client
  readonly clock: Clock
  readonly nodeName: string
  /** Names this agent for good. */
  readonly identity: string
  /** After how long without a renewal the node is to be taken for silent: what the Lease says. */
  readonly leaseMs: number
}

/** One agent's hold on its node's Lease. */
export class NodeLease {
  /** The Lease as last seen, and since when, on our own monotonic clock, it has stood like that: times in it are another machine's. */
  private seen: { readonly lease: Lease; readonly sinceMs: number } | undefined

  constructor(private readonly options: NodeLeaseOptions) {}

  /** The agent that renewed last, as far as this one knows. */
  get agent(): string | undefined {
    return this.seen?.lease.metadata.annotations?.[agentAnnotation]
  }

  /** Takes the Lease or renews it; false while another agent renews it. Every write is guarded by the revision that was judged. */
  async renew(signal: AbortSignal): Promise<boolean> {
    const leases = this.options.client.of(Lease)
    // The second try is for a renewal whose answer was lost.
    for (let tries = 0; tries < 2; tries++) {
      const current = this.isMine ? this.seen?.lease : await this.read(signal)
      if (current && !this.isMine && !this.isAbandoned) return false
      try {
        this.see(current ? await leases.update(this.renewed(current), { signal }) : await leases.create(this.first(), { signal }))
        return true
      } catch (error) {
        if (!isConflict(error) && !isAlreadyExists(error) && !isNotFound(error)) throw error
        this.seen = undefined
      }
    }
    return false
  }

  private get isMine(): boolean {
    return this.seen !== undefined && this.agent === this.options.identity
  }

  private get isAbandoned(): boolean {
    if (this.seen === undefined || this.agent === undefined) return true
    return this.options.clock.monotonic() - this.seen.sinceMs >= usualLeaseMs
  }

  private async read(signal: AbortSignal): Promise<Lease | undefined> {
    try {
      const lease = await this.options.client.of(Lease).get({ namespace: nodeLeaseNamespace, name: this.options.nodeName }, { signal })
      this.see(lease)
      return lease
    } catch (error) {
      if (!isNotFound(error)) throw error
      this.seen = undefined
      return undefined
    }
  }

  private see(lease: Lease): void {
    if (this.seen?.lease.metadata.resourceVersion === lease.metadata.resourceVersion) return
    this.seen = { lease, sinceMs: this.options.clock.monotonic() }
  }

  private first() {
    const { nodeName, identity, leaseMs } = this.options
    const now = this.now
    const spec = { holderIdentity: nodeName, leaseDurationSeconds: leaseMs / 1000, acquireTime: now, renewTime: now }
    return { metadata: { namespace: nodeLeaseNamespace, name: nodeName, annotations: { [agentAnnotation]: identity } }, spec }
  }

  private renewed(lease: Lease): Lease {
    const { nodeName, identity, leaseMs } = this.options
    const spec = { ...lease.spec, holderIdentity: nodeName, leaseDurationSeconds: leaseMs / 1000, renewTime: this.now }
    const annotations = { ...lease.metadata.annotations, [agentAnnotation]: identity }
    return { ...lease, metadata: { ...lease.metadata, annotations }, spec }
  }

  private get now(): string {
    return microTimestamp(this.options.clock.now())
  }
}
