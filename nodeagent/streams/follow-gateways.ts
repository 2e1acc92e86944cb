/**
 * Keeps a connection to each gateway that is announced by a Lease. What the Lease says counts: a gateway that comes again with another
 * certificate is dialled at once, one whose Lease goes is left. A Lease that is no longer renewed says that its gateway has perhaps ended:
 * a connection that stands proves the contrary and stays, and none is dialled any more until the Lease is renewed.
 */
import { Lease, streamNamespace } from '../../lib/api/kinds/lease.js'
import { readAnnouncement, type StreamAnnouncement } from '../../lib/api/stream-announcement.js'
import type { Logger } from '../../lib/base/log.js'
import { startWatchdog } from '../../lib/base/watchdog.js'
import type { Client } from '../../lib/client/client.js'
import { createInformer, type FollowInformerOptions } from '../../lib/client/informer/informer.js'
import { StreamRefused } from '../../lib/stream/stream-error.js'

export interface DialEvents {
  onConnected(): void
  onDisconnected(error: Error): void
}

/** Keeps one connection, dialling again as often as needed, until the signal aborts. */
export type DialGateway = (announcement: StreamAnnouncement, events: DialEvents, signal: AbortSignal) => Promise<void>

export interface FollowGatewaysOptions {
  readonly client: Client
  readonly log: Logger
  readonly dial: DialGateway
  /** A Lease that has not changed for so long, on this machine's own clock, is not dialled for. Default 40 s. */
  readonly silentAfterMs?: number
  readonly following?: FollowInformerOptions
}

/** Resolves when the signal aborts and all connections have ended. */
export async function followGateways(options: FollowGatewaysOptions, signal: AbortSignal): Promise<void> {
  const { client, log } = options
  const leases = createInformer(client, Lease, { namespace: streamNamespace })
  const gateways = new Map<string, Gateway>()
  const hear = (lease: Lease) => {
    const { name } = lease.metadata
    const announcement = readAnnouncement(lease)
    const present = gateways.get(name)
    if (present && announcement && present.isOf(announcement)) return present.renewed()
    void present?.leave()
    gateways.delete(name)
    if (announcement) gateways.set(name, new Gateway(name, announcement, options, signal))
  }
  leases.subscribe({
    add: hear,
    update: hear,
    delete({ metadata: { name } }) {
      void gateways.get(name)?.leave()
      gateways.delete(name)
    },
  })
  await leases.start(signal, {
    onFailure: (failure, pauseMs) =>
      log.warn({ err: failure, pauseMs }, 'the announcements of gateways could not be followed; it is tried again'),
    ...options.following,
  })
  await Promise.all([...gateways.values()].map((gateway) => gateway.leave()))
}

/** One gateway in one of its lives. */
class Gateway {
  #connected = false
  #silent = false
  #dialling: { readonly done: Promise<void>; stop(): void } | undefined
  #watchdog: ReturnType<typeof startWatchdog> | undefined

  constructor(
    private readonly name: string,
    private readonly announcement: StreamAnnouncement,
    private readonly options: FollowGatewaysOptions,
    private readonly signal: AbortSignal,
  ) {
    this.renewed()
  }

  isOf({ server, ca }: StreamAnnouncement): boolean {
    return this.announcement.server === server && this.announcement.ca === ca
  }

  /** Its Lease was seen to change. */
  renewed(): void {
    this.#silent = false
    this.#watchdog?.stop()
    this.#watchdog = startWatchdog(this.options.silentAfterMs ?? 40_000, () => {
      this.#silent = true
      if (!this.#connected) this.#giveUp()
    })
    if (!this.#dialling) this.#dial()
  }

  async leave(): Promise<void> {
    this.#watchdog?.stop()
    const dialling = this.#dialling
    dialling?.stop()
    await dialling?.done
  }

  #dial(): void {
    const { log, dial } = this.options
    const stopping = new AbortController()
    const about = { gateway: this.name, server: this.announcement.server }
    const events: DialEvents = {
      onConnected: () => {
        this.#connected = true
        log.info(about, 'connected to a gateway')
      },
      onDisconnected: (error) => {
        this.#connected = false
        if (error instanceof StreamRefused && error.status === 403)
          log.info(about, 'the gateway does not know the Node yet; it is asked again')
        else log.warn({ ...about, reason: error.message }, 'the connection to a gateway is broken; it is made anew')
        if (this.#silent) this.#giveUp()
      },
    }
    const done = dial(this.announcement, events, AbortSignal.any([this.signal, stopping.signal]))
    this.#dialling = { done, stop: () => stopping.abort() }
  }

  #giveUp(): void {
    this.options.log.info({ gateway: this.name }, 'a gateway is silent: it is not dialled until its Lease is renewed')
    this.#dialling?.stop()
    this.#dialling = undefined
  }
}
