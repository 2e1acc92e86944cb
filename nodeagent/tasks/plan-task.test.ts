import { describe, expect, it } from 'vitest'
import type { ObservedRun } from '../backends/backend.js'
import { aTask } from '../fixtures/a-task.js'
import { completionOf } from './completion.js'
import type { Ledger } from './ledger.js'
import { planTask } from './plan-task.js'
import { nothing, type TaskActual } from './task-actual.js'

const now = Date.UTC(2026, 0, 1, 12)
const task = aTask()
const id = (run = 0, attempt = 0) => ({ uid: task.metadata.uid, attempt, run })
const aRun = (
  state: ObservedRun['state'],
  options: { run?: number; attempt?: number; exitCode?: number; agoMs?: number; lastedMs?: number } = {},
): ObservedRun => {
  const { run = 0, attempt = 0, exitCode = 0, agoMs = 0, lastedMs = 1000 } = options
  return {
    id: id(run, attempt),
    namespace: 'default',
    name: 'subject',
    state,
    runtimeId: '1',
    startedAtMs: now - agoMs - lastedMs,
    ...(state === 'exited' ? { exit: { exitCode, oomKilled: false, finishedAtMs: now - agoMs } } : {}),
  }
}
const aLedger = (ledger: Partial<Ledger> = {}): Ledger => ({
  namespace: 'default',
  name: 'subject',
  attempt: 0,
  run: 0,
  started: true,
  streak: 0,
  attemptStartedAtMs: now - 60_000,
  ...ledger,
})
const prepared = { admission: true, image: true, volumesOfAttempt: 0 }
const actual = (parts: Partial<TaskActual> = {}): TaskActual => ({ ...nothing, prepared, files: { any: true, volumes: false }, ...parts })
const complete = { conditions: [{ type: 'Complete', status: 'True' as const, reason: 'Succeeded' }] }
const printed = (steps: ReturnType<typeof planTask>) =>
  steps.map((step) =>
    'id' in step ? `${step.type} ${step.id.attempt}.${step.id.run}` : step.type === 'wait' ? `wait ${step.untilMs - now}` : step.type,
  )

describe('a task that nothing is there of', () => {
  it('is admitted, prepared and started', () => {
    expect(printed(planTask(task, nothing, now))).toEqual(['admit', 'prepareVolumes', 'start 0.0'])
  })
  it('gets its image first', () => {
    const steps = planTask(aTask({ spec: { image: 'busybox' } }), actual({ prepared: { ...prepared, image: false } }), now)
    expect(steps[0]).toEqual({ type: 'prepareImage', image: 'busybox', policy: 'Always' })
  })
  it('is not started while it is suspended', () => {
    expect(planTask(aTask({ spec: { suspend: true } }), nothing, now)).toEqual([])
  })
  it('is started again under the same name when the agent died before the start returned', () => {
    expect(printed(planTask(task, actual({ ledger: aLedger({ started: false }) }), now))).toEqual(['start 0.0'])
  })
  it('is lost, not started again, when its start had returned', () => {
    expect(planTask(task, actual({ ledger: aLedger() }), now)).toEqual([])
  })
  it('is lost when even the ledger is gone, but the API saw it run', () => {
    const ran = aTask({ status: { startedAt: '2026-01-01T11:00:00Z' } })
    expect(planTask(ran, nothing, now)).toEqual([])
  })
  it('that was lost starts as the next run where the policy restarts it', () => {
    const restarting = aTask({ spec: { restartPolicy: 'Always' } })
    expect(printed(planTask(restarting, actual({ ledger: aLedger({ run: 2 }) }), now))).toEqual(['start 0.3'])
  })
  it('whose last run was lost starts as the next run, whatever is left of the run before', () => {
    const restarting = aTask({ spec: { restartPolicy: 'OnFailure' } })
    const left = { runs: [aRun('exited', { run: 1, exitCode: 1 })], ledger: aLedger({ run: 2 }) }
    expect(printed(planTask(restarting, actual(left), now))).toEqual(['start 0.3'])
  })
})

describe('a task that runs', () => {
  const running = (parts: Partial<TaskActual> = {}) => actual({ runs: [aRun('running', { agoMs: 30_000 })], ledger: aLedger(), ...parts })

  it('is left alone', () => {
    expect(planTask(task, running(), now)).toEqual([])
  })
  it('is left alone when the agent forgot all that it had prepared', () => {
    expect(planTask(task, running({ prepared: nothing.prepared, ledger: undefined }), now)).toEqual([])
  })
  it('is paused and resumed', () => {
    expect(printed(planTask(aTask({ spec: { suspend: true } }), running(), now))).toEqual(['pause 0.0'])
    expect(printed(planTask(task, running({ runs: [aRun('paused')] }), now))).toEqual(['resume 0.0'])
  })
  it('is stopped at its deadline, which counts from the first run', () => {
    const limited = aTask({ spec: { activeDeadlineSeconds: 60 } })
    expect(printed(planTask(limited, running(), now))).toEqual(['stop 0.0'])
    expect(printed(planTask(limited, running({ ledger: aLedger({ attemptStartedAtMs: now - 10_000 }) }), now))).toEqual(['wait 50000'])
  })
  it('is stopped when its liveness or startup probe fails', () => {
    expect(printed(planTask(task, running({ probes: { live: false } }), now))).toEqual(['stop 0.0'])
    expect(printed(planTask(task, running({ probes: { started: false } }), now))).toEqual(['stop 0.0'])
  })
  it('is stopped when the API says that it is over', () => {
    expect(printed(planTask(aTask({ status: complete }), running(), now))).toEqual(['stop 0.0'])
  })
  it('is stopped when its eviction is asked for, and then is over for that reason', () => {
    const evicted = aTask({
      spec: { restartPolicy: 'Always' },
      status: { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'Evicted', message: 'drained' }] },
    })
    expect(printed(planTask(evicted, running(), now))).toEqual(['stop 0.0'])
    for (const parts of [nothing, running({ runs: [aRun('exited')] }), running({ runs: [aRun('exited', { exitCode: 143 })] })]) {
      expect(planTask(evicted, parts, now)).toEqual([])
      expect(completionOf(evicted, parts, now)).toEqual({ reason: 'Evicted', message: 'drained' })
    }
  })
  it('is given the time that its eviction says, or its own', () => {
    const evictedWithin = (evictionGracePeriodSeconds?: number) => {
      const conditions = [{ type: 'DisruptionTarget', status: 'True' as const, reason: 'Evicted' }]
      const [step] = planTask(aTask({ status: { conditions, evictionGracePeriodSeconds } }), running(), now)
      return step?.type === 'stop' ? step.graceMs : undefined
    }
    expect([evictedWithin(), evictedWithin(5), evictedWithin(0)]).toEqual([30_000, 5_000, 0])
  })
  it('that had done its work before its eviction was asked for has succeeded, and is not begun again', () => {
    const evicted = aTask({
      spec: { onNodeLost: 'Reschedule' },
      status: { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'Evicted', message: 'drained' }] },
    })
    const reasonOf = (exitCode: number, ledger: Partial<Ledger>) =>
      completionOf(evicted, running({ runs: [aRun('exited', { exitCode })], ledger: aLedger(ledger) }), now)?.reason
    expect(reasonOf(0, {})).toBe('Succeeded')
    expect(reasonOf(0, { stopped: true })).toBe('Evicted')
    expect(reasonOf(1, {})).toBe('Evicted')
    expect(reasonOf(0, { run: 1 })).toBe('Evicted')
  })
  it('whose end went unseen is ended before anything else', () => {
    const steps = planTask(aTask({ spec: { restartPolicy: 'Always' } }), running({ runs: [aRun('unknown')] }), now)
    expect(steps).toEqual([{ type: 'stop', id: id(), graceMs: 0 }])
  })
  it('on an older attempt ends before the new one starts', () => {
    const rescheduled = aTask({ status: { attempt: 1 } })
    const steps = planTask(rescheduled, running({ prepared: { ...prepared, volumesOfAttempt: 1 } }), now)
    expect(printed(steps)).toEqual(['stop 0.0', 'removeRun 0.0', 'start 1.0'])
  })
})

describe('a task that ended', () => {
  const ended = (options: Parameters<typeof aRun>[1], streak = 0) =>
    actual({ runs: [aRun('exited', options)], ledger: aLedger({ streak, run: options?.run ?? 0 }) })

  it.each([
    ['Never', 0, []],
    ['Never', 1, []],
    ['OnFailure', 0, []],
    ['OnFailure', 1, ['start 0.1']],
    ['Always', 0, ['start 0.1']],
    ['Always', 1, ['start 0.1']],
  ] as const)('with policy %s and exit code %i goes on with %j', (restartPolicy, exitCode, steps) => {
    expect(printed(planTask(aTask({ spec: { restartPolicy } }), ended({ exitCode }), now))).toEqual(steps)
  })

  it.each([
    [0, 0],
    [1, 10_000],
    [2, 20_000],
    [5, 160_000],
    [6, 300_000],
    [60, 300_000],
  ])('after %i crashes in a row waits %i ms', (streak, delayMs) => {
    const steps = planTask(aTask({ spec: { restartPolicy: 'Always' } }), ended({ exitCode: 1 }, streak), now)
    expect(printed(steps)).toEqual(delayMs === 0 ? ['start 0.1'] : [`wait ${delayMs}`])
  })
  it('after ten good minutes starts again at once', () => {
    const steps = planTask(aTask({ spec: { restartPolicy: 'Always' } }), ended({ exitCode: 1, lastedMs: 600_000 }, 9), now)
    expect(steps).toEqual([{ type: 'start', id: id(1), streak: 0 }])
  })
  it('does not wait for a clock that was set back', () => {
    const steps = planTask(aTask({ spec: { restartPolicy: 'Always' } }), ended({ exitCode: 1, agoMs: -86_400_000 }, 1), now)
    expect(printed(steps)).toEqual(['start 0.1'])
  })
  it('stays ended when its restarts are used up', () => {
    const spec = { restartPolicy: 'OnFailure' as const, backoffLimit: 2 }
    expect(printed(planTask(aTask({ spec }), ended({ exitCode: 1, run: 1 }), now))).toEqual(['start 0.2'])
    expect(planTask(aTask({ spec }), ended({ exitCode: 1, run: 2 }), now)).toEqual([])
  })
  it('is not restarted past its deadline', () => {
    const spec = { restartPolicy: 'Always' as const, activeDeadlineSeconds: 60 }
    expect(planTask(aTask({ spec }), ended({ exitCode: 1 }), now)).toEqual([])
  })
  it('is not restarted while it is suspended', () => {
    expect(planTask(aTask({ spec: { restartPolicy: 'Always', suspend: true } }), ended({ exitCode: 1 }), now)).toEqual([])
  })
  it('keeps its run for the log, and loses its volumes once the API knows', () => {
    const present = actual({ runs: [aRun('exited')], ledger: aLedger(), files: { any: true, volumes: true } })
    expect(planTask(task, present, now)).toEqual([])
    expect(printed(planTask(aTask({ status: complete }), present, now))).toEqual(['removeVolumes'])
  })
  it('keeps the run before the newest and no older one', () => {
    const runs = [aRun('exited', { run: 0 }), aRun('exited', { run: 1 }), aRun('running', { run: 2 })]
    expect(printed(planTask(task, actual({ runs, ledger: aLedger({ run: 2 }) }), now))).toEqual(['removeRun 0.0'])
  })
})

describe('a task that is deleted or unknown', () => {
  const deleted = aTask({ metadata: { deletionTimestamp: '2026-01-01T11:59:00Z', deletionGracePeriodSeconds: 5 } })

  it('ends, is removed, and only then let go', () => {
    const steps = planTask(deleted, actual({ runs: [aRun('running')], ledger: aLedger() }), now)
    expect(printed(steps)).toEqual(['stop 0.0', 'removeRun 0.0', 'removeFiles', 'releaseFinalizer'])
    expect(steps[0]).toMatchObject({ graceMs: 5000 })
  })
  it('of which nothing is there is let go at once', () => {
    expect(printed(planTask(deleted, nothing, now))).toEqual(['releaseFinalizer'])
  })
  it('that the API does not bind here any more goes without a trace', () => {
    const steps = planTask(undefined, actual({ runs: [aRun('paused'), aRun('created', { run: 1 })] }), now)
    expect(printed(steps)).toEqual(['stop 0.0', 'removeRun 0.0', 'removeRun 0.1', 'removeFiles'])
  })
  it('needs no more once it is gone', () => {
    expect(planTask(undefined, nothing, now)).toEqual([])
  })
})

describe('a step that failed', () => {
  const failure = { reason: 'ImagePullFailed', message: 'no', retryable: true, count: 1 }

  it('waits for its time, and so do those behind it', () => {
    const failures = [{ ...failure, type: 'prepareVolumes' as const, retryAtMs: now + 500 }]
    expect(printed(planTask(task, { ...nothing, failures }, now))).toEqual(['admit', 'wait 500'])
    expect(printed(planTask(task, { ...nothing, failures }, now + 500))).toEqual(['admit', 'prepareVolumes', 'start 0.0'])
  })
  it('for good ends the task', () => {
    const failures = [{ ...failure, type: 'start' as const, retryable: false, retryAtMs: now }]
    expect(planTask(task, { ...nothing, failures }, now)).toEqual([])
  })
  it('for good does not keep a deleted task from going', () => {
    const failures = [{ ...failure, type: 'start' as const, retryable: false, retryAtMs: now }]
    const deleted = aTask({ metadata: { deletionTimestamp: '2026-01-01T11:59:00Z' } })
    expect(printed(planTask(deleted, { ...nothing, failures }, now))).toEqual(['releaseFinalizer'])
  })
})
