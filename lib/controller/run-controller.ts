/**
 * How to react: a controller works on keys, one pass at a time for each, from what its informers show now and never from the event that woke
 * it.
 *
 *     await runController({
 *       name: 'ttl', client, clock, log, events,
 *       informers: [tasks],
 *       triggers: [onChange(tasks, (task) => [objectName(task)])],
 *       async reconcile(key, ctx) {
 *         const task = tasks.lister.get(key)
 *         if (!task) return
 *         const draft = structuredClone(task)
 *         …
 *         await ctx.commit(Task, task, draft)
 *         return { requeueAfterMs: 60_000 }
 *       },
 *     }, signal)
 *
 * The rule: a pass may be cut off anywhere and run again. What it wrote is waited for before the next pass over the same key decides.
 */
import { setMaxListeners } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { isConflict } from '../api/api-error.js'
import type { Kind, Resource } from '../api/define-kind.js'
import { type Clock, sleep } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import type { ApplyConfiguration, Client } from '../client/client.js'
import type { EventRecorder } from '../client/events/event-recorder.js'
import type { WatchedKind } from '../client/informer/informer.js'
import { applyOwned, type Owner, ownedObjects } from './apply-owned.js'
import { commitChanges } from './commit-changes.js'
import { OwnWrites } from './own-writes.js'
import type { Trigger } from './trigger.js'
import { WorkQueue, type WorkQueueOptions } from './work-queue.js'

export interface ControllerOptions {
  /** For logs, as `namespace-deletion`. */
  readonly name: string
  readonly client: Client
  readonly clock: Clock
  readonly log: Logger
  readonly events: EventRecorder
  /** All that the passes read; the first pass waits until they are synced. The caller starts them. */
  readonly informers: readonly WatchedKind[]
  readonly triggers: readonly Trigger[]
  /** One pass. Throwing brings the key back, later with each failure in a row. */
  readonly reconcile: (key: string, ctx: ReconcileContext) => Promise<ReconcileResult | undefined> | Promise<void>
  /** Keys worked on at once. Default 2. */
  readonly workers?: number
  readonly queue?: Omit<WorkQueueOptions, 'clock'>
}

export interface ReconcileContext {
  /** Its writes are waited for before the key's next pass. */
  readonly client: Client
  readonly clock: Clock
  readonly log: Logger
  readonly events: EventRecorder
  /** Aborts when the controller stops. */
  readonly signal: AbortSignal
  /** Writes the differences of a private copy: nothing when there are none, a Conflict when the object has changed since. */
  commit<K extends Kind>(kind: K, before: Resource<K>, after: Resource<K>): Promise<Resource<K>>
  /** Server-side apply with the controller's name as field manager; sets the owner, and sends nothing when nothing would differ. */
  apply<K extends Kind>(kind: K, configuration: ApplyConfiguration<K>, owner?: Owner): Promise<Resource<K>>
  /** The objects of a kind that this owner owns, as the informers show them. */
  owned<K extends Kind>(kind: K, owner: Owner): Resource<K>[]
}

export interface ReconcileResult {
  /** Look again after so long, even when nothing happens. */
  readonly requeueAfterMs?: number | undefined
}

/** Longer than this no pass waits for what the last one wrote: the watch is down, and a guarded write does no harm. */
const seenWithinMs = 30_000

/** Resolves when the signal has aborted and the passes under way have ended. */
export async function runController(options: ControllerOptions, signal: AbortSignal): Promise<void> {
  const { name, client, clock, informers, workers = 2 } = options
  const log = options.log.child({ controller: name })
  const queue = new WorkQueue({ clock, ...options.queue })
  const ownWrites = new OwnWrites(informers)
  const aside = new Set<string>()

  const pass = async (key: string): Promise<void> => {
    const unseen = ownWrites.unseen(key, signal)
    if (unseen) return waitAside(key, unseen)
    const recording = ownWrites.recordingClient(client, key)
    const ctx: ReconcileContext = {
      client: recording,
      clock,
      log,
      events: options.events,
      signal,
      commit: (kind, before, after) => commitChanges(recording, kind, before, after, signal),
      apply: (kind, configuration, owner) =>
        applyOwned({ client: recording, informers, manager: name, signal }, kind, configuration, owner),
      owned: (kind, owner) => ownedObjects(informers, kind, owner),
    }
    try {
      const result = await options.reconcile(key, ctx)
      queue.forget(key)
      if (result?.requeueAfterMs !== undefined) queue.addAfter(key, result.requeueAfterMs)
    } catch (error) {
      if (signal.aborted) return
      const retryInMs = Math.round(queue.retry(key))
      if (isConflict(error)) log.debug({ key, retryInMs }, 'the object has changed meanwhile')
      else log.warn({ key, retryInMs, err: error }, 'a pass failed')
    }
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
      await pass(key)
      queue.done(key)
      // Passes that wait for nothing must not keep the watch from being read.
      await nextTurn()
    }
  }

  if (signal.aborted) return
  // A program ends all its controllers by one signal. Node would warn of a leak.
  setMaxListeners(0, signal)
  const disconnects = options.triggers.map((trigger) => trigger((key) => queue.add(key)))
  const stop = () => queue.close()
  signal.addEventListener('abort', stop, { once: true })
  try {
    await Promise.all(informers.map((informer) => informer.synced()))
    await Promise.all(Array.from({ length: workers }, work))
  } catch (error) {
    // Informers that stop because everything stops are no failure.
    if (!signal.aborted) throw error
  } finally {
    queue.close()
    signal.removeEventListener('abort', stop)
    for (const disconnect of disconnects) disconnect()
  }
}
