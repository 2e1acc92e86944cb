/**
 * Deletes Events an hour after they were last seen, a few at a time. One rule: it keeps of each Event only its name,
 * uid and time, so that a hundred thousand of them cost little.
 */
import { isNotFound } from '../../lib/api/api-error.js'
import type { Kind, KubeObject } from '../../lib/api/define-kind.js'
import { Event } from '../../lib/api/kinds/event.js'
import { sleep } from '../../lib/base/clock.js'
import { followResources } from '../../lib/client/watch/follow-resources.js'
import type { ControllerContext } from '../controller-context.js'
import { EventAges } from './event-ages.js'

const eventTtlMs = 3_600_000
const lookEveryMs = 30_000
/** Deleted at once. */
const together = 4

export async function runEventTtl(
  { client, clock, log }: Pick<ControllerContext, 'client' | 'clock' | 'log'>,
  signal: AbortSignal,
): Promise<void> {
  const ages = new EventAges()
  const sink = {
    begin: () => ages.begin(),
    change: (type: string, object: KubeObject) => (type === 'DELETED' ? ages.delete(object) : ages.set(object, clock.now())),
    complete: () => ages.complete(),
    progress: () => {},
  }
  const following = followResources(client, [{ kind: Event as unknown as Kind }], sink, { signal })
  const sweeping = async () => {
    while (!signal.aborted) {
      try {
        const expired = ages.seenBefore(clock.now() - eventTtlMs)
        for (let index = 0; index < expired.length; index += together)
          await Promise.all(expired.slice(index, index + together).map((event) => deleteEvent(event)))
      } catch (error) {
        if (!signal.aborted) log.warn({ err: error, controller: 'event-ttl' }, 'old Events could not be deleted; it is tried again')
      }
      await sleep(clock, lookEveryMs, signal).catch(() => {})
    }
  }
  const deleteEvent = async ({ namespace, name, uid }: { namespace: string; name: string; uid: string }) => {
    try {
      await client.of(Event).delete({ namespace, name }, { preconditions: { uid }, signal })
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }
  await Promise.all([following, sweeping()])
}
