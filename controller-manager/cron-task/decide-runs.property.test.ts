/** A CronTask through random days: clocks, crashes, Tasks that end, people who change their minds. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { CronTask } from '../../lib/api/kinds/cron-task.js'
import type { Task } from '../../lib/api/kinds/task.js'
import { nextRun } from '../../lib/api/schedule/next-run.js'
import { parseSchedule } from '../../lib/api/schedule/parse-schedule.js'
import { findTimeZone } from '../../lib/api/schedule/time-zone.js'
import { timestamp } from '../../lib/base/clock.js'
import { hasEnded } from '../task-end.js'
import { type Decision, decideRuns } from './decide-runs.js'
import { aCronTask, aScheduledTask } from './fixtures/cron-tasks.js'
import { superfluousTasks } from './superfluous-tasks.js'

type Step =
  /** The controller looks; it may be killed after it has started a Task, before it has written that down. */
  | { readonly type: 'look'; readonly killed: boolean }
  | { readonly type: 'wait'; readonly seconds: number }
  | { readonly type: 'end'; readonly succeeded: boolean }
  | { readonly type: 'change'; readonly spec: Partial<CronTask['spec']> }

const schedules = ['* * * * *', '*/7 * * * *', '0 * * * *', '30 1,2 * * *', '0 2 * * mon', '@daily']
const look: fc.Arbitrary<Step> = fc.record({ type: fc.constant('look' as const), killed: fc.boolean() })
const wait = fc
  .oneof(
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 4_000 }) },
    { weight: 2, arbitrary: fc.integer({ min: -90, max: 90_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: -9_000, max: 500_000 }) },
  )
  .map((seconds): Step => ({ type: 'wait', seconds }))
const change = fc
  .oneof(
    fc.record({ suspend: fc.constantFrom(true, false, false, false) }),
    fc.record({ schedule: fc.constantFrom(...schedules) }),
    fc.record({ concurrencyPolicy: fc.constantFrom('Allow' as const, 'Forbid' as const, 'Replace' as const) }),
    fc.record({ startingDeadlineSeconds: fc.constantFrom(undefined, 1, 90, 7_200) }),
    fc.record({ successfulTasksHistoryLimit: fc.nat(2), failedTasksHistoryLimit: fc.nat(1) }),
  )
  .map((spec): Step => ({ type: 'change', spec }))
const end: fc.Arbitrary<Step> = fc.record({ type: fc.constant('end' as const), succeeded: fc.boolean() })
const step = fc.oneof(
  { weight: 5, arbitrary: look },
  { weight: 5, arbitrary: wait },
  { weight: 2, arbitrary: end },
  { weight: 1, arbitrary: change },
)

/** The world that the decisions are made in, and carried out as cron-task.ts does. */
class World {
  nowMs = Date.parse('2026-03-28T23:10:00Z')
  cronTask = aCronTask({ spec: { schedule: '*/7 * * * *', timeZone: 'Europe/Berlin' }, createdAt: timestamp(this.nowMs) })
  tasks: Task[] = []
  readonly started = new Set<number>()

  take(next: Step): void {
    if (next.type === 'wait') this.nowMs += next.seconds * 1000
    else if (next.type === 'change') this.cronTask = { ...this.cronTask, spec: { ...this.cronTask.spec, ...next.spec } }
    else if (next.type === 'end') this.end(next.succeeded)
    else this.look(next.killed)
  }

  /** The oldest ends; what is being deleted is gone then. */
  end(succeeded: boolean): void {
    const oldest = this.tasks.find((task) => !hasEnded(task))
    if (!oldest) return
    this.tasks = this.tasks.filter((task) => task !== oldest)
    if (oldest.metadata.deletionTimestamp) return
    const time = oldest.metadata.creationTimestamp
    this.tasks.unshift(aScheduledTask(time, succeeded ? 'Succeeded' : 'ExitCode'))
  }

  look(killed: boolean): void {
    const decision = decideRuns(this.cronTask, this.tasks, this.nowMs)
    this.judge(decision)
    const superfluous = new Set(superfluousTasks(this.cronTask, this.tasks))
    const replaced = new Set(decision.replaced)
    this.tasks = this.tasks
      .filter((task) => !superfluous.has(task))
      .map((task) => (replaced.has(task) ? aScheduledTask(task.metadata.creationTimestamp, 'going') : task))
    if (decision.startMs !== undefined) {
      this.started.add(decision.startMs)
      this.tasks.push(aScheduledTask(decision.startMs))
    }
    if (!killed) this.write(decision)
  }

  write({ startMs, lastMs, nextMs, ready }: Decision): void {
    const recordedMs = startMs ?? lastMs
    const { conditions = [] } = this.cronTask.status ?? {}
    const status = {
      ...(recordedMs === undefined ? {} : { lastScheduleTime: timestamp(recordedMs) }),
      ...(nextMs === undefined ? {} : { nextScheduleTime: timestamp(nextMs) }),
      conditions: ready
        ? [{ type: 'Ready', status: ready.status ? ('True' as const) : ('False' as const), reason: ready.reason }]
        : conditions,
    }
    this.cronTask = { ...this.cronTask, status }
  }

  judge({ startMs, nextMs, wakeMs, active, ready }: Decision): void {
    expect(wakeMs ?? Number.POSITIVE_INFINITY).toBeGreaterThan(this.nowMs)
    const { spec } = this.cronTask
    const schedule = parseSchedule(spec.schedule)
    const next = (afterMs: number) => nextRun(schedule, findTimeZone(spec.timeZone) ?? expect.unreachable(), afterMs)
    expect(nextMs === undefined).toBe(spec.suspend)
    if (nextMs !== undefined && nextMs <= this.nowMs) expect(['TaskAlreadyActive', 'Replacing']).toContain(ready?.reason)
    if (startMs === undefined) return
    expect(this.started).not.toContain(startMs)
    expect(spec.suspend).toBe(false)
    expect(next(startMs - 1)).toBe(startMs)
    expect(startMs).toBeLessThanOrEqual(this.nowMs)
    expect(next(startMs)).toBeGreaterThan(this.nowMs)
    expect(Math.max(Number.NEGATIVE_INFINITY, ...this.started)).toBeLessThan(startMs)
    if (spec.concurrencyPolicy !== 'Allow') expect(active).toEqual([])
    if (spec.concurrencyPolicy !== 'Replace')
      expect(this.nowMs - startMs).toBeLessThanOrEqual((spec.startingDeadlineSeconds ?? Number.POSITIVE_INFINITY) * 1000)
  }
}

it('no time gets two Tasks, and each gets one that may have it', () => {
  let started = 0
  fc.assert(
    fc.property(fc.array(step, { minLength: 30, maxLength: 80, size: 'max' }), (steps) => {
      const world = new World()
      for (const next of steps) world.take(next)
      started += world.started.size
    }),
    { numRuns: 100 },
  )
  expect(started).toBeGreaterThan(300)
})

it.each<[schedule: string, everySeconds: number, hours: number]>([
  ['* * * * *', 60, 3],
  ['*/7 * * * *', 60, 3],
  ['0 * * * *', 600, 26],
  ['30 1,2 * * *', 600, 26],
  ['@daily', 600, 50],
])('every time of %j gets its Task when somebody looks every %d s, over a change of the clocks too', (schedule, everySeconds, hours) => {
  const world = new World()
  const concurrencyPolicy = hours === 3 ? 'Allow' : 'Forbid'
  world.take({ type: 'change', spec: { schedule, concurrencyPolicy, startingDeadlineSeconds: everySeconds } })
  const expected = new Set<number>()
  const [parsed, zone] = [parseSchedule(schedule), findTimeZone('Europe/Berlin') ?? expect.unreachable()]
  const endMs = world.nowMs + hours * 3_600_000
  for (let at = nextRun(parsed, zone, world.nowMs); at !== undefined && at <= endMs; at = nextRun(parsed, zone, at)) expected.add(at)
  while (world.nowMs < endMs) {
    world.take({ type: 'wait', seconds: everySeconds })
    world.take({ type: 'look', killed: false })
    world.take({ type: 'end', succeeded: true })
  }
  expect(world.started).toEqual(expected)
})
