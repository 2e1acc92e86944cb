/**
 * The planner of machines in a world of its own: random wishes of people, guests that end by themselves, and an agent that dies in the
 * middle of any step. Whatever happens, a machine that runs is not started again, a disk that people may have written to goes with its Vps
 * or for a snapshot that they named, and what is left alone converges.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Vps } from '../../lib/api/kinds/vps.js'
import { nodeCleanupFinalizer } from '../../lib/api/kinds/workload.js'
import { aVps } from '../../lib/testing/a-vps.js'
import type { ObservedMachine } from '../backends/machine-backend.js'
import { type MachineActual, noMachine } from './machine-actual.js'
import type { MachineRecord } from './machine-record.js'
import type { ExecutableMachineStep, RestoreOrder } from './machine-step.js'
import { resetAtAnnotation, resetWished, restartedAtAnnotation, restartWished } from './machine-wishes.js'
import { planMachine } from './plan-machine.js'

type Event =
  | { readonly type: 'turn' }
  /** The agent dies after so many of the step's effects, and forgets what it only remembered. */
  | { readonly type: 'turnThenCrash'; readonly effects: number }
  | { readonly type: 'run'; readonly value: boolean }
  | { readonly type: 'ask'; readonly annotation: string; readonly value: string }
  | { readonly type: 'restoreFrom'; readonly name: string }
  /** The guest powers off, or somebody kills it. */
  | { readonly type: 'end' }
  | { readonly type: 'fail'; readonly step: 'create' | 'start' | 'admit' | 'restore' }
  | { readonly type: 'time'; readonly ms: number }
  | { readonly type: 'delete' }
  | { readonly type: 'unbind' }

class World {
  vps: Vps | undefined = aVps({ metadata: { finalizers: [nodeCleanupFinalizer] } })
  now = Date.UTC(2026, 0, 1)
  machine: ObservedMachine | undefined
  record: MachineRecord | undefined
  private remembered: Pick<MachineActual, 'prepared' | 'failures'> = noMachine

  get isLeaving(): boolean {
    return !this.vps || this.vps.metadata.deletionTimestamp !== undefined
  }

  /** The first step of the plan; `effects`: after so many of its effects the agent dies. False when there is nothing to do. */
  turn(effects = Number.POSITIVE_INFINITY): boolean {
    const [step] = planMachine(this.vps, { ...noMachine, ...this.remembered, machine: this.machine, record: this.record }, this.now)
    if (!step) return false
    if (step.type === 'wait') {
      expect(step.untilMs).toBeGreaterThan(this.now)
      this.now = step.untilMs
      return true
    }
    for (const effect of this.effectsOf(step).slice(0, effects)) effect()
    this.remembered = Number.isFinite(effects)
      ? noMachine
      : { ...this.remembered, failures: this.remembered.failures.filter(({ type }) => type !== step.type) }
    return true
  }

  private effectsOf(step: ExecutableMachineStep): (() => void)[] {
    switch (step.type) {
      case 'admit':
        return [() => this.prepare({ admission: true })]
      case 'prepareImage':
        return [() => this.prepare({ image: true })]
      case 'create':
        return [() => this.note({}), () => this.show({ state: 'partial' }), () => this.makeDisk(step.from), () => this.note({ made: true })]
      case 'adopt':
        return [() => this.note({ made: true, ...(this.machine?.state === 'running' ? { run: 'started', ...this.wishes() } : {}) })]
      case 'start':
        return [
          () => this.note({ run: 'starting', streak: step.streak, ...this.wishes() }),
          () => this.start(),
          () => this.note({ run: 'started', starts: (this.record?.starts ?? 0) + 1 }),
        ]
      case 'stop':
        return [() => this.record && this.note({ run: 'stopped', streak: 0 }), () => this.end()]
      case 'restore':
        return [() => this.makeDisk(step.from)]
      case 'reset':
        return [() => this.note({ resetAt: step.request })]
      case 'resize':
        return []
      case 'remove':
        return [
          () => {
            expect(this.isLeaving, 'a disk that is wanted is removed').toBe(true)
            expect(this.machine?.state, 'what runs is removed').not.toBe('running')
            this.machine = undefined
          },
        ]
      case 'forget':
        return [
          () => {
            expect(this.machine, 'what is there is forgotten').toBeUndefined()
            this.record = undefined
          },
        ]
      case 'releaseFinalizer':
        return [
          () => {
            expect([this.machine, this.record], 'is let go with something left').toEqual([undefined, undefined])
            this.vps = undefined
          },
        ]
    }
  }

  private prepare(more: Partial<MachineActual['prepared']>): void {
    this.remembered = { ...this.remembered, prepared: { ...this.remembered.prepared, ...more } }
  }
  private note(more: Partial<MachineRecord>): void {
    this.record = { namespace: 'default', name: 'a', made: false, starts: 0, run: 'none', streak: 0, ...this.record, ...more }
  }
  private show(more: Partial<ObservedMachine>): void {
    this.machine = { uid: 'uid-a', namespace: 'default', name: 'a', state: 'partial', ...this.machine, ...more }
  }
  private wishes(): Pick<MachineRecord, 'restartedAt' | 'resetAt'> {
    return this.vps ? { restartedAt: restartWished(this.vps), resetAt: resetWished(this.vps) } : {}
  }
  private makeDisk(from: RestoreOrder | undefined): void {
    expect(this.machine?.state, 'the disk of what runs is replaced').not.toBe('running')
    if (this.machine?.state === 'stopped') expect(from, 'a disk is made anew of its image').toEqual(this.vps?.spec.restoreFrom)
    this.show({ state: 'stopped', ...(from ? { restoredFrom: { name: from.name } } : {}) })
  }
  private start(): void {
    expect(this.machine?.state, 'started without a disk, or twice').toBe('stopped')
    expect(this.isLeaving || !this.vps?.spec.running, 'started against the wish').toBe(false)
    this.show({ state: 'running', startedAtMs: this.now })
  }
  private end(): void {
    if (this.machine?.state === 'running') this.show({ state: 'stopped', stoppedAtMs: this.now })
  }

  happen(event: Event): void {
    const { vps } = this
    const change = (spec: Partial<Vps['spec']>) => {
      if (vps) this.vps = { ...vps, spec: { ...vps.spec, ...spec } }
    }
    switch (event.type) {
      case 'turn':
        this.turn()
        break
      case 'turnThenCrash':
        this.turn(event.effects)
        break
      case 'run':
        change({ running: event.value })
        break
      case 'restoreFrom':
        change({ restoreFrom: { name: event.name } })
        break
      case 'ask': {
        const annotations = { ...vps?.metadata.annotations, [event.annotation]: event.value }
        if (vps) this.vps = { ...vps, metadata: { ...vps.metadata, annotations } }
        break
      }
      case 'end':
        this.end()
        break
      case 'fail': {
        const failure = { type: event.step, reason: 'No', message: 'no', retryable: true, count: 1, retryAtMs: this.now + 1000 }
        this.remembered = { ...this.remembered, failures: [failure] }
        break
      }
      case 'time':
        this.now += event.ms
        break
      case 'delete':
        if (vps) this.vps = { ...vps, metadata: { ...vps.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }
        break
      case 'unbind':
        this.vps = undefined
    }
  }

  /** Turns until there is nothing more to do. */
  settle(): void {
    for (let turns = 0; turns < 100; turns++) if (!this.turn()) return
    throw new Error('does not settle')
  }
}

const life: fc.Arbitrary<Event> = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Event>({ type: 'turn' }) },
  { weight: 5, arbitrary: fc.record({ type: fc.constant('turnThenCrash' as const), effects: fc.nat(4) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('run' as const), value: fc.boolean() }) },
  fc.record({
    type: fc.constant('ask' as const),
    annotation: fc.constantFrom(restartedAtAnnotation, resetAtAnnotation),
    value: fc.constantFrom('1', '2'),
  }),
  fc.record({ type: fc.constant('restoreFrom' as const), name: fc.constantFrom('s1', 's2') }),
  { weight: 2, arbitrary: fc.constant<Event>({ type: 'end' }) },
  fc.record({ type: fc.constant('fail' as const), step: fc.constantFrom('create', 'start', 'admit', 'restore') }),
  fc.record({ type: fc.constant('time' as const), ms: fc.integer({ min: 0, max: 900_000 }) }),
)
const histories = fc.array(life, { maxLength: 40 })
const numRuns = process.env.MILLRACE_TEST_LONG === '1' ? 100_000 : 2_000
const seed = 20_261_122

it('left alone, a machine is what its Vps says, with the disk that it names', () => {
  fc.assert(
    fc.property(histories, (events) => {
      const world = new World()
      for (const each of events) world.happen(each)
      world.settle()
      const { spec } = world.vps as Vps
      if (spec.running) expect(world.machine?.state).toBe('running')
      else expect(['stopped', 'partial', undefined]).toContain(world.machine?.state)
      if (world.machine && world.machine.state !== 'partial') expect(world.machine.restoredFrom?.name).toBe(spec.restoreFrom?.name)
      expect(world.turn()).toBe(false)
    }),
    { numRuns, seed },
  )
})

it('a machine whose Vps is deleted, or is no longer of the node, ends with nothing left', () => {
  fc.assert(
    fc.property(histories, fc.constantFrom<Event>({ type: 'delete' }, { type: 'unbind' }), histories, (before, end, after) => {
      const world = new World()
      for (const each of [...before, end, ...after]) world.happen(each)
      world.settle()
      expect([world.machine, world.record, world.vps]).toEqual([undefined, undefined, undefined])
    }),
    { numRuns, seed },
  )
})
