/**
 * The node agent: follows the Tasks and the Vpses that are bound to its node and gives each a loop of its own. What the backends show of
 * workloads that the API does not bind here gets a loop too, whose plan is to remove it, but only once a complete list has said so.
 *
 *     const agent = new Agent(parts)
 *     await agent.run(signal)
 */

import { sameValue } from '../lib/api/json/same-value.js'
import { Task } from '../lib/api/kinds/task.js'
import { Vps } from '../lib/api/kinds/vps.js'
import { VpsSnapshot } from '../lib/api/kinds/vps-snapshot.js'
import { sleep, systemClock } from '../lib/base/clock.js'
import {
  createInformer,
  type FollowInformerOptions,
  type Informer,
  type ObjectHandlers,
  startInformers,
} from '../lib/client/informer/informer.js'
import type { GivenInformer } from '../lib/controller/shared-informers.js'
import { startControllers } from '../lib/controller/start-controllers.js'
import type { AgentParts } from './agent-parts.js'
import { type Backend, BackendError } from './backends/backend.js'
import type { MachineBackend } from './backends/machine-backend.js'
import { MachineLoop } from './machines/machine-loop.js'
import { isToBeRestored, removeStrays } from './snapshots/remove-strays.js'
import { snapshotKeeper } from './snapshots/snapshot-keeper.js'
import type { LoopObject } from './steps/step-loop.js'
import { isAlive } from './tasks/task-actual.js'
import { TaskLoop } from './tasks/task-loop.js'
import { UnseenBackends } from './unseen-backends.js'

/** Events of backends are hints; this often everything is looked at. */
const relistMs = 10_000
const observeDeadlineMs = 60_000
/** Snapshots that nobody knows are looked for this often. */
const strayEveryMs = 600_000
/** Nobody waits longer for the agent to end. */
const longestEndMs = 60_000

export class Agent {
  private readonly loops = new Map<string, TaskLoop>()
  private readonly machines = new Map<string, MachineLoop>()

  private readonly unseen: UnseenBackends

  constructor(private readonly parts: AgentParts) {
    this.unseen = new UnseenBackends(parts.log)
  }

  /** How many workloads it takes care of. */
  get workloads(): number {
    return this.loops.size + this.machines.size
  }

  /** Works until the signal aborts; workloads go on. */
  async run(signal: AbortSignal, options: FollowInformerOptions = {}): Promise<void> {
    const { parts } = this
    const { client, nodeName, log } = parts
    const own = { fieldSelector: `spec.nodeName=${nodeName}` }
    const tasks = createInformer(client, Task, own)
    const vpses = createInformer(client, Vps, own)
    const snapshots = createInformer(client, VpsSnapshot, own)
    const following = startInformers(client, [tasks, vpses, snapshots], signal, {
      onFailure: (failure, pauseMs) =>
        log.warn({ err: failure, pauseMs }, 'the workloads of this node could not be followed; it is tried again'),
      ...options,
    })
    await Promise.all([tasks.synced(), vpses.synced(), snapshots.synced()])
    await this.takeLedgers()
    const taskLoop = loopsIn(this.loops, (uid, onGone) => new TaskLoop(parts, uid, signal, onGone))
    const machineLoop = loopsIn(this.machines, (uid, onGone) => new MachineLoop(parts, uid, signal, onGone))
    feed(tasks, taskLoop)
    feed(vpses, machineLoop)
    for (const uid of await parts.ledgers.uids()) taskLoop(uid).wake()
    for (const uid of await parts.machineRecords.uids()) machineLoop(uid).wake()
    const watches = [
      ...[...parts.backends.values()].map((backend) => this.watchRuns(backend, taskLoop, signal)),
      ...[...parts.machines.values()].map((backend) => this.watchMachines(backend, machineLoop, signal)),
    ]
    await Promise.all([following, ...watches, ...(parts.machines.size > 0 ? [this.keepSnapshots(snapshots, vpses, signal)] : [])])
    await Promise.all([...this.loops.values(), ...this.machines.values()].map((loop) => loop.settled()))
  }

  /** Ends what still runs on a backend, politely and all at once. For the agent's own end, after `run`. */
  async endRuns(backendName: string): Promise<void> {
    const backend = this.parts.backends.get(backendName)
    if (!backend) return
    const runs = (await backend.observe(AbortSignal.timeout(observeDeadlineMs))).filter(isAlive)
    await Promise.all(
      runs.map(async (run) => {
        const graceMs = Math.min(this.loops.get(run.id.uid)?.graceMs ?? 0, longestEndMs)
        await backend.stop(run.id, graceMs, AbortSignal.timeout(graceMs + observeDeadlineMs))
      }),
    )
  }

  /** Users that attempts already have are not given out again. */
  private async takeLedgers(): Promise<void> {
    const { ledgers, users } = this.parts
    for (const uid of await ledgers.uids()) {
      const userId = (await ledgers.read(uid))?.userId
      if (userId !== undefined) users.take(userId)
    }
  }

  private async keepSnapshots(snapshots: GivenInformer & Informer<VpsSnapshot>, vpses: Informer<Vps>, signal: AbortSignal): Promise<void> {
    const { client, clock, log, events } = this.parts
    const keeping = startControllers([snapshotKeeper(this.parts)], { client, clock, log, events, informers: [snapshots] }, signal)
    // One that went before it was restored may leave what it was to be restored from.
    let leftBehind = new AbortController()
    vpses.subscribe({
      delete(vps) {
        if (isToBeRestored(vps)) leftBehind.abort()
      },
    })
    while (!signal.aborted) {
      leftBehind = new AbortController()
      const wanted = { snapshots: snapshots.lister.list(), vpses: vpses.lister.list() }
      await removeStrays(this.parts, wanted, AbortSignal.any([signal, AbortSignal.timeout(observeDeadlineMs)])).catch((error) => {
        if (signal.aborted || (error instanceof BackendError && error.reason === 'BackendUnavailable')) return
        log.warn({ err: error }, 'snapshots could not be looked through; it is tried again')
      })
      await sleep(systemClock, strayEveryMs, AbortSignal.any([signal, leftBehind.signal])).catch(() => {})
    }
    await keeping.finished
  }

  private watchRuns(backend: Backend, loopOf: LoopOf, signal: AbortSignal): Promise<void> {
    return this.watch(backend, signal, async (deadline) => byUid(await backend.observe(deadline), ({ id }) => id.uid), loopOf)
  }

  private watchMachines(backend: MachineBackend, loopOf: LoopOf, signal: AbortSignal): Promise<void> {
    return this.watch(backend, signal, async (deadline) => byUid(await backend.observeMachines(deadline), ({ uid }) => uid), loopOf)
  }

  /** Looks at a backend at each hint, and every so often; wakes the workloads of which something changed. */
  private async watch(backend: Watched, signal: AbortSignal, look: Look, loopOf: LoopOf): Promise<void> {
    let hinted: (() => void) | undefined
    let missed = false
    let shown: Shown = new Map()
    const unsubscribe = backend.subscribe(() => {
      missed = true
      hinted?.()
    })
    try {
      while (!signal.aborted) {
        missed = false
        shown = await this.look(backend, signal, look, loopOf, shown)
        if (missed) continue
        const hint = new AbortController()
        hinted = () => hint.abort()
        await sleep(systemClock, relistMs, AbortSignal.any([signal, hint.signal])).catch(() => {})
        hinted = undefined
      }
    } finally {
      unsubscribe()
    }
  }

  private async look(backend: Watched, signal: AbortSignal, look: Look, loopOf: LoopOf, before: Shown): Promise<Shown> {
    try {
      const now = await look(AbortSignal.any([signal, AbortSignal.timeout(observeDeadlineMs)]))
      this.unseen.seen(backend.name)
      for (const uid of new Set([...before.keys(), ...now.keys()])) if (!sameValue(before.get(uid), now.get(uid))) loopOf(uid).wake()
      return now
    } catch (error) {
      if (!signal.aborted) this.unseen.failed(backend.name, error)
      return before
    }
  }
}

type LoopOf = (uid: string) => Pick<TaskLoop, 'wake'>
/** What a backend showed, by workload. */
type Shown = ReadonlyMap<string, readonly unknown[]>
type Look = (deadline: AbortSignal) => Promise<Shown>
type Watched = Pick<Backend, 'subscribe'> & { readonly name: string }

/** Finds the loop of a workload, or begins it; it goes when nothing of the workload is left. */
function loopsIn<Loop>(loops: Map<string, Loop>, begin: (uid: string, onGone: () => void) => Loop): (uid: string) => Loop {
  return (uid) => {
    const present = loops.get(uid)
    if (present) return present
    const loop = begin(uid, () => loops.delete(uid))
    loops.set(uid, loop)
    return loop
  }
}

/** Tells each loop what the API has of its object. A name that is used anew is another object. */
function feed<T extends LoopObject>(
  informer: { subscribe(handlers: ObjectHandlers<T>): () => void },
  loopOf: (uid: string) => { setObject(object: T | undefined): void },
): void {
  informer.subscribe({
    add: (object) => loopOf(object.metadata.uid).setObject(object),
    update: (object, before) => {
      if (before.metadata.uid !== object.metadata.uid) loopOf(before.metadata.uid).setObject(undefined)
      loopOf(object.metadata.uid).setObject(object)
    },
    delete: (object) => loopOf(object.metadata.uid).setObject(undefined),
  })
}

function byUid<T>(items: readonly T[], uidOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const grouped = new Map<string, T[]>()
  for (const item of items) {
    const others = grouped.get(uidOf(item))
    if (others) others.push(item)
    else grouped.set(uidOf(item), [item])
  }
  return grouped
}
