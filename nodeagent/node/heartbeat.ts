import { type Clock, sleep } from '../../lib/base/clock.js'
import type { Logger } from '../../lib/base/log.js'
import type { Client } from '../../lib/client/client.js'
import { NodeLease } from './node-lease.js'

export interface HeartbeatOptions {
  readonly client: Client
  readonly clock: Clock
  readonly log: Logger
  readonly nodeName: string
  /** Names this agent, so that a second one with the node's name is seen. */
  readonly identity: string
}

const renewEveryMs = 10_000
const retryMs = 2_000
const requestTimeoutMs = 8_000

/** Another agent, elsewhere, acts as this node. */
export class NodeTakenError extends Error {
  override readonly name = 'NodeTakenError'
}

/**
 * Renews the node's Lease in a loop of its own, which waits for nothing but the API. The node is this agent's from the moment that `claimed` resolves;
 * `run` rejects with NodeTakenError when another agent has taken it since.
 */
export class Heartbeat {
  readonly claimed: Promise<void>
  private hasClaimed = false
  private confirm: () => void = () => {}
  private readonly lease: NodeLease

  constructor(private readonly options: HeartbeatOptions) {
    this.lease = new NodeLease(options)
    this.claimed = new Promise((resolve) => {
      this.confirm = resolve
    })
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.options
    while (!signal.aborted) {
      const renewed = await this.renew(signal)
      await sleep(clock, renewed ? renewEveryMs : retryMs, signal).catch(() => {})
    }
  }

  private async renew(signal: AbortSignal): Promise<boolean> {
    const { log, nodeName } = this.options
    let mine: boolean
    try {
      mine = await this.lease.renew(AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]))
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
