/**
 * Deletes what nobody owns any more, and does what a deletion asked for before it: dependents first (foreground), or
 * left behind (orphan). It follows all kinds that discovery knows. One rule: nothing is deleted but the very revision
 * that was judged, and no owner counts as gone before the API said so.
 */
import { isConflict, isNotFound } from '../../lib/api/api-error.js'
import type { Kind } from '../../lib/api/define-kind.js'
import { Event } from '../../lib/api/kinds/event.js'
import { sleep } from '../../lib/base/clock.js'
import { followResources } from '../../lib/client/watch/follow-resources.js'
import { kindOf } from '../../lib/client/watch/watch-source.js'
import { WorkQueue } from '../../lib/controller/work-queue.js'
import type { ControllerContext } from '../controller-context.js'
import { sameKinds, servedKinds } from '../served-kinds.js'
import { collect } from './collect.js'
import { OwnerGraph } from './owner-graph.js'

const discoverEveryMs = 30_000
const workers = 8

type Context = Pick<ControllerContext, 'client' | 'clock' | 'log' | 'events' | 'definitions'>

export async function runGarbageCollector(context: Context, signal: AbortSignal): Promise<void> {
  const { client, clock, log } = context
  const graph = new OwnerGraph()
  const queue = new WorkQueue({ clock, retryRate: { perSecond: 100, burst: 1_000 } })
  const enqueue = (uids: readonly string[]) => {
    for (const uid of uids) queue.add(uid)
  }
  let whole = () => {}
  const firstWhole = new Promise<void>((resolve) => {
    whole = resolve
  })
  const sink = {
    begin: () => graph.begin(),
    change: (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: Parameters<OwnerGraph['change']>[1]) => enqueue(graph.change(type, object)),
    complete: () => {
      enqueue(graph.complete())
      whole()
    },
    progress: () => {},
  }

  const work = async () => {
    await firstWhole
    for (let uid = await queue.take(); uid !== undefined; uid = await queue.take()) {
      try {
        await collect({ ...context, graph, enqueue }, uid, signal)
        queue.forget(uid)
      } catch (error) {
        if (signal.aborted) return
        const retryInMs = Math.round(queue.retry(uid))
        // Somebody else changed or deleted it: the watch brings the news.
        if (!isConflict(error) && !isNotFound(error))
          log.warn({ uid, retryInMs, err: error, controller: 'garbage-collector' }, 'an object could not be collected')
      }
      queue.done(uid)
    }
  }

  const follow = async () => {
    const news = watchDefinitions(context, signal)
    while (!signal.aborted) {
      const kinds = await collectable(context, signal)
      if (!kinds) break
      graph.kinds = new Map(kinds.map((kind) => [kindOf(kind), kind]))
      const changed = new AbortController()
      const following = followResources(
        client,
        kinds.map((kind) => ({ kind })),
        sink,
        { signal: AbortSignal.any([signal, changed.signal]) },
      )
      for (let now: Kind[] | undefined = kinds; now && sameKinds(now, kinds); now = await collectable(context, signal)) await news.next()
      changed.abort()
      await following
    }
    news.stop()
  }

  const stop = () => {
    queue.close()
    whole()
  }
  signal.addEventListener('abort', stop, { once: true })
  await Promise.all([follow(), ...Array.from({ length: workers }, work)])
}

/** `next` resolves when a definition of users has changed since it last did, and after a while anyhow. */
function watchDefinitions({ definitions, clock }: Context, signal: AbortSignal): { next(): Promise<void>; stop(): void } {
  let changed = new AbortController()
  const wake = () => changed.abort()
  const stop = definitions.subscribe({ add: wake, update: wake, delete: wake })
  return {
    stop,
    async next() {
      await sleep(clock, discoverEveryMs, AbortSignal.any([signal, changed.signal])).catch(() => {})
      changed = new AbortController()
    },
  }
}

/** What is followed: Events own nothing, and are many. Undefined when the signal aborted. */
async function collectable({ client, clock, log }: Context, signal: AbortSignal): Promise<Kind[] | undefined> {
  while (!signal.aborted) {
    try {
      return (await servedKinds(client, signal)).filter((kind) => kindOf(kind) !== kindOf(Event))
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error, controller: 'garbage-collector' }, 'discovery failed; it is asked again')
      await sleep(clock, 5_000, signal).catch(() => {})
    }
  }
  return undefined
}
