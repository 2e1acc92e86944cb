/**
 * The node agent: follows the Tasks that are bound to its node and gives each a loop of its own. What the backends show of workloads that the API
 * does not bind here gets a loop too, whose plan is to remove it, but only once a complete list has said so.
 *
 *     const agent = new Agent(parts)
 *     await agent.run(signal)
 */

import { sameValue } from '../lib/api/json/same-value.js'
import { Task } from '../lib/api/kinds/task.js'
import { sleep, systemClock } from '../lib/base/clock.js'
import { createInformer, type FollowInformerOptions } from '../lib/client/informer/informer.js'
import type { Backend, ObservedRun } from './backends/backend.js'
import type { AgentParts } from './execute/workload-context.js'
import { isAlive } from './plan/actual.js'
import { WorkloadLoop } from './workload-loop.js'

/** Events of backends are hints; this often everything is looked at. */
const relistMs = 10_000
const observeDeadlineMs = 60_000
/** Nobody waits longer for the agent to end. */
const longestEndMs = 60_000

export class Agent {
  private readonly loops = new Map<string, WorkloadLoop>()
  /** What each backend showed last, by workload. */
  private readonly shown = new Map<string, ReadonlyMap<string, readonly ObservedRun[]>>()

  constructor(private readonly parts: AgentParts) {}

  /** How many workloads it takes care of. */
  get workloads(): number {
    return this.loops.size
  }

  /** Works until the signal aborts; workloads go on. */
  async run(signal: AbortSignal, options: FollowInformerOptions = {}): Promise<void> {
    const { client, nodeName, log } = this.parts
    const tasks = createInformer(client, Task, { fieldSelector: `spec.nodeName=${nodeName}` })
    const following = tasks.start(signal, {
      onFailure: (failure, pauseMs) =>
        log.warn({ err: failure, pauseMs }, 'the tasks of this node could not be followed; it is tried again'),
      ...options,
    })
    await tasks.synced()
    await this.takeLedgers()
    tasks.subscribe({
      add: (task) => this.loopOf(task.metadata.uid, signal).setTask(task),
      update: (task, before) => {
        if (before.metadata.uid !== task.metadata.uid) this.loops.get(before.metadata.uid)?.setTask(undefined)
        this.loopOf(task.metadata.uid, signal).setTask(task)
      },
      delete: (task) => this.loopOf(task.metadata.uid, signal).setTask(undefined),
    })
    for (const uid of await this.parts.ledgers.uids()) this.loopOf(uid, signal).wake()
    await Promise.all([following, ...[...this.parts.backends.values()].map((backend) => this.watch(backend, signal))])
    await Promise.all([...this.loops.values()].map((loop) => loop.settled()))
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
    const { ledgers, usersTaken } = this.parts
    for (const uid of await ledgers.uids()) {
      const userId = (await ledgers.read(uid))?.userId
      if (userId !== undefined) usersTaken.add(userId)
    }
  }

  private loopOf(uid: string, signal: AbortSignal): WorkloadLoop {
    const present = this.loops.get(uid)
    if (present) return present
    const loop = new WorkloadLoop(this.parts, uid, signal, () => this.loops.delete(uid))
    this.loops.set(uid, loop)
    return loop
  }

  /** Looks at a backend at each hint, and every so often; wakes the workloads of which something changed. */
  private async watch(backend: Backend, signal: AbortSignal): Promise<void> {
    let hinted: (() => void) | undefined
    let missed = false
    const unsubscribe = backend.subscribe(() => {
      missed = true
      hinted?.()
    })
    try {
      while (!signal.aborted) {
        missed = false
        await this.look(backend, signal)
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

  private async look(backend: Backend, signal: AbortSignal): Promise<void> {
    try {
      const runs = await backend.observe(AbortSignal.any([signal, AbortSignal.timeout(observeDeadlineMs)]))
      const before = this.shown.get(backend.name) ?? new Map<string, readonly ObservedRun[]>()
      const now = byWorkload(runs)
      this.shown.set(backend.name, now)
      for (const uid of new Set([...before.keys(), ...now.keys()]))
        if (!sameValue(before.get(uid), now.get(uid))) this.loopOf(uid, signal).wake()
    } catch (error) {
      if (!signal.aborted) this.parts.log.warn({ backend: backend.name, err: error }, 'a backend could not be looked at; it is tried again')
    }
  }
}

function byWorkload(runs: readonly ObservedRun[]): ReadonlyMap<string, readonly ObservedRun[]> {
  const grouped = new Map<string, ObservedRun[]>()
  for (const run of runs) {
    const others = grouped.get(run.id.uid)
    if (others) others.push(run)
    else grouped.set(run.id.uid, [run])
  }
  return grouped
}
