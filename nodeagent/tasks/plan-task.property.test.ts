/**
 * The planner in a world of its own: random wishes of the API, random ends of runs, and an agent that dies in the middle of any step.
 * Whatever happens, no attempt has two runs at once, no run starts twice, and a deleted workload ends with nothing left.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Task } from '../../lib/api/kinds/task.js'
import { nodeCleanupFinalizer } from '../../lib/api/kinds/workload.js'
import type { ObservedRun, RunId } from '../backends/backend.js'
import { printRunKey } from '../backends/run-key.js'
import { aTask } from '../fixtures/a-task.js'
import { completionOf } from './completion.js'
import type { Ledger } from './ledger.js'
import { planTask } from './plan-task.js'
import { isAlive, nothing, type TaskActual } from './task-actual.js'
import { taskStatus } from './task-status.js'
import type { TaskStep } from './task-step.js'

type Event =
  | { readonly type: 'turn' }
  /** The agent dies after so many of the step's effects, and forgets what it only remembered. */
  | { readonly type: 'turnThenCrash'; readonly effects: number }
  | { readonly type: 'report' }
  | { readonly type: 'exit'; readonly code: number }
  | { readonly type: 'shimKilled' }
  /** Somebody removes the run behind the agent's back. */
  | { readonly type: 'vanish' }
  | { readonly type: 'suspend'; readonly value: boolean }
  | { readonly type: 'delete' }
  | { readonly type: 'unbind' }
  | { readonly type: 'reschedule' }
  | { readonly type: 'fail'; readonly retryable: boolean }
  | { readonly type: 'time'; readonly ms: number }

class World {
  task: Task | undefined
  now = Date.UTC(2026, 0, 1)
  readonly runs = new Map<string, ObservedRun>()
  readonly startedKeys: string[] = []
  ledger: Ledger | undefined
  hasVolumes = false
  remembered: Pick<TaskActual, 'prepared' | 'failures' | 'probes'> = nothing
  readonly uid: string

  constructor(restartPolicy: Task['spec']['restartPolicy']) {
    this.task = aTask({ spec: { restartPolicy, backoffLimit: 2 } })
    this.uid = this.task.metadata.uid
  }

  get actual(): TaskActual {
    const files = { any: this.ledger !== undefined || this.hasVolumes, volumes: this.hasVolumes }
    return { ...this.remembered, runs: [...this.runs.values()], ledger: this.ledger, files }
  }
  get alive(): ObservedRun[] {
    return [...this.runs.values()].filter(isAlive)
  }

  /** The first step of the plan; `effects`: after so many of its effects the agent dies. */
  turn(effects = Number.POSITIVE_INFINITY): TaskStep | undefined {
    const [step] = planTask(this.task, this.actual, this.now)
    if (!step) return undefined
    if (step.type === 'wait') {
      expect(step.untilMs).toBeGreaterThan(this.now)
      this.now = step.untilMs
      return step
    }
    for (const effect of this.effectsOf(step).slice(0, effects)) effect()
    if (Number.isFinite(effects)) this.remembered = nothing
    return step
  }

  private effectsOf(step: Exclude<TaskStep, { type: 'wait' }>): (() => void)[] {
    const { prepared } = this.remembered
    const remember = (more: Partial<TaskActual['prepared']>) => () => {
      this.remembered = { ...this.remembered, failures: [], prepared: { ...prepared, ...more } }
    }
    switch (step.type) {
      case 'admit':
        return [remember({ admission: true })]
      case 'prepareImage':
        return [remember({ image: true })]
      case 'prepareVolumes':
        return [() => this.openAttempt(step.attempt), () => this.setVolumes(true), remember({ volumesOfAttempt: step.attempt })]
      case 'start':
        return [
          () => this.openAttempt(step.id.attempt),
          () => this.writeLedger({ run: step.id.run, streak: step.streak, started: false, hasAddress: true }),
          () => this.create(step.id),
          () => this.start(step.id),
          () => this.writeLedger({ started: true }),
          remember({ volumesOfAttempt: undefined, image: false }),
        ]
      case 'stop':
        return [() => this.end(step.id, 143)]
      case 'pause':
        return [() => this.change(step.id, { state: 'paused' })]
      case 'resume':
        return [() => this.change(step.id, { state: 'running' })]
      case 'removeRun':
        return [
          () => {
            expect(this.runs.get(printRunKey(step.id)), 'removes what runs').not.toMatchObject({ state: 'running' })
            this.runs.delete(printRunKey(step.id))
          },
        ]
      case 'removeVolumes':
        return [() => this.setVolumes(false)]
      case 'releaseAddress':
        return [
          () => {
            expect(this.alive, 'takes the address from what still runs').toEqual([])
            this.writeLedger({ hasAddress: undefined })
          },
        ]
      case 'removeFiles':
        return [() => this.setVolumes(false), () => this.removeLedger()]
      case 'releaseFinalizer':
        return [
          () => {
            expect(this.alive, 'lets go of what still runs').toEqual([])
            this.task = undefined
          },
        ]
    }
  }

  private openAttempt(attempt: number): void {
    if (this.ledger?.attempt === attempt) return
    this.ledger = { namespace: 'default', name: 'subject', attempt, run: 0, started: false, streak: 0, attemptStartedAtMs: this.now }
  }
  private setVolumes(there: boolean): void {
    this.hasVolumes = there
  }
  private removeLedger(): void {
    this.ledger = undefined
  }
  private writeLedger(more: Partial<Ledger>): void {
    if (this.ledger) this.ledger = { ...this.ledger, ...more }
  }
  private create(id: RunId): void {
    if (this.runs.has(printRunKey(id))) return
    this.runs.set(printRunKey(id), { id, namespace: 'default', name: 'subject', state: 'created', runtimeId: '1' })
  }
  private start(id: RunId): void {
    const key = printRunKey(id)
    const run = this.runs.get(key)
    if (run?.state !== 'created') return
    expect(this.alive, 'a second run beside one that runs').toEqual([])
    expect(this.startedKeys, 'the same run started twice').not.toContain(key)
    this.startedKeys.push(key)
    this.runs.set(key, { ...run, state: 'running', startedAtMs: this.now })
  }
  end(id: RunId, exitCode: number): void {
    const run = this.runs.get(printRunKey(id))
    if (run && isAlive(run)) this.change(id, { state: 'exited', exit: { exitCode, oomKilled: false, finishedAtMs: this.now } })
  }
  change(id: RunId, to: Partial<ObservedRun>): void {
    const run = this.runs.get(printRunKey(id))
    if (run) this.runs.set(printRunKey(id), { ...run, ...to })
  }

  happen(event: Event): void {
    const { task } = this
    const [running] = this.alive
    switch (event.type) {
      case 'turn':
        this.turn()
        break
      case 'turnThenCrash':
        this.turn(event.effects)
        break
      case 'report':
        if (task) this.task = { ...task, status: taskStatus(task, this.actual, this.now) }
        break
      case 'exit':
        if (running?.state === 'running') this.end(running.id, event.code)
        break
      case 'shimKilled':
        if (running) this.change(running.id, { state: 'unknown' })
        break
      case 'vanish':
        // Before the ledger knows that it started, nobody can tell it from one that was never made.
        if (running && this.ledger?.run === running.id.run && this.ledger.started) this.runs.delete(printRunKey(running.id))
        break
      case 'suspend':
        if (task) this.task = { ...task, spec: { ...task.spec, suspend: event.value } }
        break
      case 'delete':
        if (task) this.task = { ...task, metadata: { ...task.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }
        break
      case 'unbind':
        this.task = undefined
        break
      case 'reschedule':
        if (task)
          this.task = { ...task, status: { conditions: [{ type: 'Scheduled', status: 'True' }], attempt: (task.status?.attempt ?? 0) + 1 } }
        break
      case 'fail': {
        const failure = { type: 'prepareVolumes', reason: 'VolumeFailed', message: 'no', count: 1, retryAtMs: this.now + 1000 } as const
        if (event.retryable) this.remembered = { ...this.remembered, failures: [failure].map((each) => ({ ...each, retryable: true })) }
        break
      }
      case 'time':
        this.now += event.ms
    }
  }

  /** Turns and reports until there is nothing more to do. */
  settle(): void {
    for (let turns = 0; turns < 200; turns++) {
      this.happen({ type: 'report' })
      if (!this.turn()) return
    }
    throw new Error(`does not settle: ${JSON.stringify(planTask(this.task, this.actual, this.now))}`)
  }
}

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Event>({ type: 'turn' }) },
  { weight: 5, arbitrary: fc.record({ type: fc.constant('turnThenCrash' as const), effects: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.constant<Event>({ type: 'report' }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('exit' as const), code: fc.constantFrom(0, 1) }) },
  fc.constant<Event>({ type: 'shimKilled' }),
  fc.constant<Event>({ type: 'vanish' }),
  fc.record({ type: fc.constant('suspend' as const), value: fc.boolean() }),
  fc.constant<Event>({ type: 'delete' }),
  fc.constant<Event>({ type: 'unbind' }),
  fc.constant<Event>({ type: 'reschedule' }),
  fc.record({ type: fc.constant('fail' as const), retryable: fc.constant(true) }),
  fc.record({ type: fc.constant('time' as const), ms: fc.integer({ min: 0, max: 900_000 }) }),
)
const policy = fc.constantFrom<Task['spec']['restartPolicy']>('Never', 'OnFailure', 'Always')
const numRuns = process.env.MILLRACE_TEST_LONG === '1' ? 100_000 : 3_000

it('no run starts twice, no two run at once, and policy Never runs an attempt once, whatever happens', () => {
  fc.assert(
    fc.property(policy, fc.array(event, { maxLength: 60 }), (restartPolicy, events) => {
      const world = new World(restartPolicy)
      for (const each of events) {
        world.happen(each)
        expect(world.alive.length).toBeLessThanOrEqual(1)
      }
      if (restartPolicy !== 'Never') return
      const attempts = world.startedKeys.map((key) => key.split('.')[1])
      expect(new Set(attempts).size).toBe(attempts.length)
    }),
    { numRuns },
  )
})

it('a deleted or unbound workload ends with nothing left, whatever happened before', () => {
  fc.assert(
    fc.property(
      policy,
      fc.array(event, { maxLength: 40 }),
      fc.constantFrom<Event>({ type: 'delete' }, { type: 'unbind' }),
      (restartPolicy, events, end) => {
        const world = new World(restartPolicy)
        for (const each of [...events, end]) world.happen(each)
        world.settle()
        expect([...world.runs.keys()]).toEqual([])
        expect(world.actual.files).toEqual({ any: false, volumes: false })
        expect(world.task).toBeUndefined()
      },
    ),
    { numRuns },
  )
})

it('left alone, a workload settles: it runs, or is over and says so, and the plan is then empty', () => {
  fc.assert(
    fc.property(
      fc.constantFrom<Task['spec']['restartPolicy']>('Never', 'OnFailure'),
      fc.array(event, { maxLength: 40 }),
      (restartPolicy, events) => {
        const world = new World(restartPolicy)
        for (const each of events) world.happen(each)
        world.settle()
        const { task } = world
        if (!task) {
          expect([...world.runs.keys()]).toEqual([])
          return
        }
        if (task.spec.suspend && !completionOf(task, world.actual, world.now)) {
          expect(['Paused', 'Succeeded', 'Failed']).toContain(task.status?.phase)
          return
        }
        expect(task.metadata.finalizers).toContain(nodeCleanupFinalizer)
        expect(['Running', 'Succeeded', 'Failed']).toContain(task.status?.phase)
        expect(world.alive).toHaveLength(task.status?.phase === 'Running' ? 1 : 0)
      },
    ),
    { numRuns },
  )
})
