import { randomUUID } from 'node:crypto'
import { isAlreadyExists, isConflict, isNotFound } from '../../lib/api/api-error.js'
import { Lease, streamNamespace } from '../../lib/api/kinds/lease.js'
import { printAnnouncement, type StreamAnnouncement } from '../../lib/api/stream-announcement.js'
import { type Clock, microTimestamp, sleep } from '../../lib/base/clock.js'
import type { Logger } from '../../lib/base/log.js'
import type { Client } from '../../lib/client/client.js'

export interface StreamLeaseOptions {
  readonly client: Client
  readonly clock: Clock
  readonly log: Logger
  /** Of the Lease: each gateway has its own. */
  readonly name: string
  readonly announcement: StreamAnnouncement
}

/** Another gateway has announced itself by the same name. */
export class GatewayNameTaken extends Error {
  override readonly name = 'GatewayNameTaken'
}

const renewEveryMs = 10_000
const retryMs = 2_000
const requestTimeoutMs = 8_000
/** After so long without a renewal, agents take the gateway for gone. */
const leaseDurationSeconds = 40

/**
 * Tells the agents where to connect, by a Lease that is renewed. A gateway that starts takes the Lease of its name at once, since it mostly
 * follows its own earlier life; the one that loses it ends.
 */
export class StreamLease {
  readonly #options: StreamLeaseOptions
  readonly #identity: string
  #held: Lease | undefined

  constructor(options: StreamLeaseOptions) {
    this.#options = options
    this.#identity = `${options.name}_${randomUUID()}`
  }

  /** Whether it is announced. */
  get isAnnounced(): boolean {
    return this.#held !== undefined
  }

  /** Renews until the signal aborts, then takes the Lease away. Rejects with GatewayNameTaken. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options
    while (!signal.aborted) {
      const renewed = await this.#renew(AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)])).catch((error: unknown) => {
        if (error instanceof GatewayNameTaken) throw error
        if (!signal.aborted) log.warn({ err: error }, 'the Lease that announces this gateway could not be renewed; it is tried again')
        return false
      })
      await sleep(clock, renewed ? renewEveryMs : retryMs, signal).catch(() => {})
    }
    await this.#remove().catch((error: unknown) => log.info({ err: error }, 'the Lease could not be taken away; it runs out by itself'))
  }

  async #renew(signal: AbortSignal): Promise<boolean> {
    const leases = this.#options.client.of(Lease)
    const held = this.#held
    const current = held ?? (await this.#read(signal))
    try {
      const { metadata, spec } = this.#printed(current)
      this.#held = current
        ? await leases.update({ ...current, metadata: { ...current.metadata, ...metadata }, spec }, { signal })
        : await leases.create({ metadata, spec }, { signal })
      return true
    } catch (error) {
      if (!isConflict(error) && !isAlreadyExists(error) && !isNotFound(error)) throw error
      const now = await this.#read(signal)
      // A renewal of ours whose answer was lost has our identity; somebody who removed the Lease has none.
      if (held && now && now.spec.holderIdentity !== this.#identity)
        throw new GatewayNameTaken(`another gateway is called ${this.#options.name} (${now.spec.holderIdentity}): give each its own --name`)
      this.#held = held ? now : undefined
      return false
    }
  }

  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    try {
      return await this.#options.client.of(Lease).get(this.#at, { signal })
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  async #remove(): Promise<void> {
    const { uid, resourceVersion } = this.#held?.metadata ?? {}
    if (!uid || !resourceVersion) return
    const preconditions = { uid, resourceVersion }
    await this.#options.client.of(Lease).delete(this.#at, { preconditions, signal: AbortSignal.timeout(2_000) })
  }

  get #at(): { namespace: string; name: string } {
    return { namespace: streamNamespace, name: this.#options.name }
  }

  #printed(
    before: Lease | undefined,
  ): Pick<Lease, 'spec'> & { metadata: { namespace: string; name: string; annotations: Record<string, string> } } {
    const now = microTimestamp(this.#options.clock.now())
    const isOurs = before?.spec.holderIdentity === this.#identity
    return {
      metadata: { ...this.#at, annotations: printAnnouncement(this.#options.announcement) },
      spec: {
        holderIdentity: this.#identity,
        leaseDurationSeconds,
        acquireTime: (isOurs ? before.spec.acquireTime : undefined) ?? now,
        renewTime: now,
      },
    }
  }
}
