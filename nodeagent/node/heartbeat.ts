import { type Clock, sleep } from '../../lib/base/clock.js'
import type { Logger } from '../../lib/base/log.js'
import type { Client } from '../../lib/client/client.js'
import { NodeLease, usualLeaseMs } from './node-lease.js'

export interface HeartbeatOptions {
  readonly client: Client
  readonly clock: Clock
  readonly log: Logger
  readonly nodeName: string
  /** Names this agent, so that a second one with the node's name is seen. */
  readonly identity: string
  /** After how long without a renewal the node is to be taken for silent. Default 40 s. */
  readonly leaseMs?: number | undefined
}

/** Before a Lease runs out it is renewed so many times. */
const renewals = 4
const retryMs = 2_000
/** How much of the time between two renewals one may take. */
const requestShare = 0.8

/** Another agent, elsewhere, acts as this node. */
export class NodeTakenError extends Error {
  override readonly name = 'NodeTakenError'
}

/**
 * Renews the node's Lease in a loop of its own, which waits for nothing but the API. The node is this agent's from the moment that
 * `claimed` resolves; `run` rejects with NodeTakenError when another agent has taken it since.
 */
export class Heartbeat {
  readonly claimed: Promise<void>
  private hasClaimed = false
  private confirm: () => void = () => {}
  private readonly lease: NodeLease
  private readonly everyMs: number

  constructor(private readonly options: HeartbeatOptions) {
    const { leaseMs = usualLeaseMs } = options
    this.lease = new NodeLease({ ...options, leaseMs })
    this.everyMs = leaseMs / renewals
    this.claimed = new Promise((resolve) => {
      this.confirm = resolve
    })
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.options
    while (!signal.aborted) {
      const renewed = await this.renew(signal)
      await sleep(clock, renewed ? this.everyMs : Math.min(this.everyMs, retryMs), signal).catch(() => {})
    }
  }

  private async renew(signal: AbortSignal): Promise<boolean> {
    const { log, nodeName } = this.options
    let mine: boolean
    try {
      mine = await this.lease.renew(AbortSignal.any([signal, AbortSignal.timeout(this.everyMs * requestShare)]))
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, "the node's Lease could not be renewed; it is tried again")
      return false
    }
    if (mine) {
      this.hasClaimed = true
      this.confirm()
    } else if (this.hasClaimed) {
      throw new NodeTakenError(
        `another agent (${this.lease.agent}) acts as node ${nodeName} now; this one ends and leaves its workloads alone`,
      )
    } else log.warn({ agent: this.lease.agent }, `another agent acts as node ${nodeName}; waiting until it has been silent for 40 s`)
    return mine
  }
}
