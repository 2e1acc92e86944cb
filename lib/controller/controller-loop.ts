import { setImmediate as nextTurn } from 'node:timers/promises'
import { isConflict } from '../api/api-error.js'
import type { KubeObject } from '../api/define-kind.js'
import { matchesLabels, parseLabelSelector } from '../api/label-selector.js'
import { type BackoffOptions, backoffDelayMs } from '../base/backoff.js'
import { type Clock, sleep } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import type { Client } from '../client/client.js'
import { ConnectionError } from '../client/client.js'
import type { EventRecorder } from '../client/events/event-recorder.js'
import { InformerCache } from './cache.js'
import type { Controller } from './controller.js'
import type { ControllerMetrics } from './controller-metrics.js'
import { durationMs } from './duration.js'
import { hasFinalizer, isBeingDeleted } from './finalizer.js'
import { passOver } from './object-pass.js'
import { OwnWrites } from './own-writes.js'
import { mostInARow, RestlessKeys } from './restless-keys.js'
import type { SharedInformers } from './shared-informers.js'
import { TerminalError } from './terminal-error.js'
import { connectTriggers } from './triggers.js'
import { WorkQueue } from './work-queue.js'

export interface LoopParts {
  readonly client: Client
  readonly informers: SharedInformers
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: ControllerMetrics
  readonly events: EventRecorder
  readonly lingerMs: number
  readonly frozenCache: boolean
}

export interface ControllerLoop {
  /** Resolves when the signal has aborted and the passes under way have ended. */
  readonly finished: Promise<void>
  isIdle(): boolean
  /** Passes begun so far. */
  readonly passes: number
}

/** Longer than this no pass waits for what the last one wrote: the watch is down, and a guarded write does no harm. */
const seenWithinMs = 30_000

/** A pass that takes longer is told of. */
const slowAfterMs = 60_000
/** Nothing is looked at again sooner, whatever it asks for. */
const shortestRequeueMs = 10

/** Between two passes of a worker while the server cannot be reached, unless the controller says how it spreads its retries. */
const awayBackoff: BackoffOptions = { initialMs: 100, maxMs: 5_000 }

/** Takes the objects of one controller through their passes until the signal aborts. */
export function startLoop(controller: Controller, parts: LoopParts, signal: AbortSignal): ControllerLoop {
  const { name, namespace, finalizer } = controller
  const { client, clock, metrics, events } = parts
  const log = parts.log.child({ controller: name })
  const follow = (source: Parameters<SharedInformers['follow']>[0]) =>
    parts.informers.follow({ ...source, namespace: source.kind.scope === 'Namespaced' ? namespace : undefined })
  // What has lost its label is followed all the same where it may have to be cleaned up.
  const reconciled = follow({
    kind: controller.for,
    labelSelector: finalizer === undefined ? controller.labelSelector : undefined,
    fieldSelector: controller.fieldSelector,
  })
  const isLeftAlone = leftAloneBy(controller)
  const owned = controller.owns.map((kind) => follow({ kind }))
  const watched = controller.watches.map((watch) => ({ watch, informer: follow(watch) }))
  const informers = [...new Set([reconciled, ...owned, ...watched.map(({ informer }) => informer)])]
  const cache = new InformerCache(informers, parts.frozenCache)
  const queue = new WorkQueue({ clock, ...controller.retries })
  const ownWrites = new OwnWrites(informers)
  const aside = new Set<string>()
  const restless = new RestlessKeys()
  /** Restless keys whose next pass waits. */
  const held = new Set<string>()
  let working = 0
  let passes = 0
  /** Passes in a row that could not reach the server. */
  let unreachable = 0

  const pass = async (key: string): Promise<void> => {
    const unseen = ownWrites.unseen(key, signal)
    if (unseen) return waitAside(key, unseen)
    const seen = reconciled.lister.get(key)
    if (!seen) return forget(key)
    const heldMs = restless.pauseMs(key)
    if (heldMs > 0 && !held.delete(key)) {
      held.add(key)
      return queue.addAfter(key, heldMs)
    }
    const objectLog = log.child(identityOf(seen))
    const startedMs = performance.now()
    const report = (result: Parameters<ControllerMetrics['pass']>[1]) => metrics.pass(name, result, (performance.now() - startedMs) / 1000)
    const slow = setTimeout(() => objectLog.warn('a pass has taken a minute: does it wait for something that does not come?'), slowAfterMs)
    slow.unref()
    try {
      if (isLeftAlone(seen)) return forget(key)
      passes++
      const recording = ownWrites.recordingClient(client, key)
      const parts = { kind: controller.for, client: recording, cache, manager: name, clock, log: objectLog, events, signal }
      const { outcome, changedStatus } = await passOver(controller, parts, seen)
      queue.forget(key)
      unreachable = 0
      if (restless.note(key, changedStatus))
        objectLog.warn(
          `${mostInARow} passes in a row have changed the status, each bringing on the next: does it hold a time, or a count of passes?`,
        )
      if (outcome?.requeueAfter !== undefined) queue.addAfter(key, Math.max(shortestRequeueMs, durationMs(outcome.requeueAfter)))
      report(outcome?.requeueAfter === undefined ? 'success' : 'requeue')
    } catch (error) {
      if (!signal.aborted) report(failed(key, seen, objectLog, error))
    } finally {
      clearTimeout(slow)
    }
  }

  const forget = (key: string): void => {
    queue.forget(key)
    restless.forget(key)
  }

  const failed = (key: string, seen: KubeObject, objectLog: Logger, error: unknown) => {
    if (error instanceof TerminalError) {
      queue.forget(key)
      objectLog.warn({ reason: error.reason, err: error }, 'a pass cannot succeed before something changes')
      events.record(seen, 'Warning', error.reason, error.message)
      return 'terminal'
    }
    const retryInMs = Math.round(queue.retry(key))
    if (isConflict(error)) {
      objectLog.debug({ retryInMs }, 'the object has changed meanwhile')
      return 'conflict'
    }
    objectLog.warn({ retryInMs, err: error }, 'a pass failed')
    // While the server cannot be reached, nobody can be told either.
    if (error instanceof ConnectionError) unreachable++
    else events.record(seen, 'Warning', 'ReconcileFailed', error instanceof Error ? error.message : String(error))
    return 'error'
  }

  /** The key comes back when its own writes have been seen; meanwhile the worker is free. */
  const waitAside = (key: string, unseen: Promise<unknown>): void => {
    if (aside.has(key)) return
    aside.add(key)
    const late = new AbortController()
    const tooLong = sleep(clock, seenWithinMs, late.signal).then(
      () => {
        ownWrites.forget(key)
        log.warn({ key }, 'what the last pass wrote has not been seen: going on without')
      },
      () => {},
    )
    void Promise.race([unseen.catch(() => {}), tooLong]).then(() => {
      late.abort()
      aside.delete(key)
      queue.add(key)
    })
  }

  const work = async (): Promise<void> => {
    for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
      working++
      await pass(key)
      queue.done(key)
      working--
      // Passes that wait for nothing must not keep the watch from being read.
      await nextTurn()
      // While the server is away every pass would fail, and then wait for its turn among all retries.
      const pauseMs = unreachable === 0 ? 0 : backoffDelayMs(unreachable - 1, controller.retries?.backoff ?? awayBackoff)
      if (pauseMs > 0) await sleep(clock, pauseMs, signal).catch(() => {})
    }
  }

  /**
   * Resolves a while after the signal: a pass that waits for what does not come must not keep the process, and can write nothing any more.
   */
  const givenUp = () =>
    new Promise<void>((resolve) => {
      const wait = () =>
        setTimeout(() => {
          if (working > 0) log.error({ passes: working }, 'passes have not ended with the controller: they are left behind')
          resolve()
        }, parts.lingerMs).unref()
      signal.addEventListener('abort', wait, { once: true })
    })

  const loop = async (): Promise<void> => {
    if (signal.aborted) return
    const disconnect = connectTriggers(controller, { reconciled, owned, watched }, cache, log, (key) => queue.add(key))
    const stop = () => queue.close()
    signal.addEventListener('abort', stop, { once: true })
    try {
      await Promise.all(informers.map((informer) => informer.synced()))
      log.debug('working')
      await Promise.race([Promise.all(Array.from({ length: controller.workers }, work)), givenUp()])
    } catch (error) {
      // Informers that stop because everything stops are no failure.
      if (!signal.aborted) throw error
    } finally {
      queue.close()
      signal.removeEventListener('abort', stop)
      disconnect()
      cache.close()
    }
  }

  metrics.queue(name, () => queue.length)
  return {
    finished: loop(),
    isIdle: () => informers.every(({ hasSynced }) => hasSynced) && queue.length === 0 && working === 0 && aside.size === 0,
    get passes() {
      return passes
    },
  }
}

/** `when` and the selector say what is reconciled; what was begun is cleaned up all the same. */
function leftAloneBy({ when, finalizer, labelSelector }: Controller): (seen: KubeObject) => boolean {
  const selector = labelSelector === undefined ? undefined : parseLabelSelector(labelSelector)
  return (seen) => {
    if (finalizer !== undefined && isBeingDeleted(seen) && hasFinalizer(seen, finalizer)) return false
    if (selector && !matchesLabels(selector, seen.metadata.labels ?? {})) return true
    return when?.(seen) === false
  }
}

function identityOf({ kind, metadata: { namespace, name, uid } }: KubeObject) {
  return { kind, ...(namespace === undefined ? {} : { namespace }), name, uid }
}
