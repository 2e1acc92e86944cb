import { isConflict, isNotFound } from '../../lib/api/api-error.js'
import { Lease } from '../../lib/api/kinds/lease.js'
import { type Clock, microTimestamp, sleep } from '../../lib/base/clock.js'
import type { Logger } from '../../lib/base/log.js'
import type { Client } from '../../lib/client/client.js'
import type { Informer } from '../../lib/client/informer/informer.js'
import type { WatchTime } from './watch-time.js'

export interface BeatOptions {
  readonly client: Client
  readonly clock: Clock
  readonly log: Logger
  readonly leases: Pick<Informer<Lease>, 'seen'>
  readonly watchTime: WatchTime
  readonly identity: string
}

/** Between two beats. */
const beatEveryMs = 3_000
/** A beat that has not come back over the watch within this real time is lost. */
const lostAfterMs = 10_000
const at = { namespace: 'kube-system', name: 'millrace-node-lifecycle' }

/**
 * Writes a Lease of its own again and again, and waits to see it over the watch: only so is it known that the watch delivers, and that a
 * Lease which does not change was not renewed. Resolves when the signal aborts.
 */
export async function keepBeating({ client, clock, log, leases, watchTime, identity }: BeatOptions, signal: AbortSignal): Promise<void> {
  let well = true
  while (!signal.aborted) {
    const sentAtMs = clock.monotonic()
    try {
      const resourceVersion = await beat(client, clock, identity, signal)
      await leases.seen(resourceVersion, AbortSignal.any([signal, AbortSignal.timeout(lostAfterMs)]))
      watchTime.confirm(sentAtMs)
      well = true
    } catch (error) {
      watchTime.interrupt()
      if (well && !signal.aborted) log.warn({ err: error }, 'the watch does not deliver: no node is judged meanwhile')
      well = false
    }
    await sleep(clock, beatEveryMs, signal).catch(() => {})
  }
}

async function beat(client: Client, clock: Clock, identity: string, signal: AbortSignal): Promise<string> {
  const leases = client.of(Lease)
  const spec = { holderIdentity: identity, renewTime: microTimestamp(clock.now()) }
  try {
    return (await leases.mergePatch(at, { spec }, { signal })).metadata.resourceVersion
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error
    return (await leases.create({ metadata: at, spec }, { signal })).metadata.resourceVersion
  }
}
