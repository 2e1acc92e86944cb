import { describe, expect, it } from 'vitest'
import { findCondition } from '../../lib/api/condition.js'
import type { ObservedRun } from '../backends/backend.js'
import { aTask } from '../fixtures/a-task.js'
import { statusPatch } from '../steps/status-reporter.js'
import { nothing, type TaskActual } from './task-actual.js'
import { taskStatus } from './task-status.js'

const now = Date.UTC(2026, 0, 1, 12)
const task = aTask()
const aRun = (parts: Partial<ObservedRun> = {}): ObservedRun => ({
  id: { uid: task.metadata.uid, attempt: 0, run: 0 },
  namespace: 'default',
  name: 'subject',
  state: 'running',
  runtimeId: '42',
  startedAtMs: now - 5000,
  ...parts,
})
const ended = (exitCode: number, more: object = {}) =>
  aRun({ state: 'exited', exit: { exitCode, oomKilled: false, finishedAtMs: now - 1000, ...more } })
const actual = (parts: Partial<TaskActual> = {}): TaskActual => ({ ...nothing, ...parts })
const failure = { message: 'why', retryable: true, count: 1, retryAtMs: now + 1000 }
const said = (status: ReturnType<typeof taskStatus>, type: string) => {
  const condition = findCondition({ status }, type)
  return condition && `${condition.status} ${condition.reason}`
}

describe('what is said of a task', () => {
  it.each<[string, ReturnType<typeof aTask>, TaskActual, Record<string, string | undefined>, string]>([
    [
      'taken over',
      task,
      nothing,
      { Accepted: 'True Accepted', Running: 'False Preparing', Ready: 'False NotRunning', Complete: undefined },
      'Preparing',
    ],
    [
      'deleted: its run has ended, and is not started again',
      aTask({ metadata: { deletionTimestamp: '2026-01-01T11:59:00Z' }, spec: { restartPolicy: 'Always' } }),
      actual({ runs: [ended(143, { signal: 'SIGTERM' })] }),
      { Running: 'False Ended', Complete: 'True Signalled' },
      'Failed',
    ],
    [
      'deleted: its run is gone already',
      aTask({ metadata: { deletionTimestamp: '2026-01-01T11:59:00Z' }, status: { startedAt: '2026-01-01T11:00:00Z' } }),
      nothing,
      { Running: 'False Stopping', Complete: undefined },
      'Preparing',
    ],
    [
      'refused',
      task,
      actual({ failures: [{ ...failure, type: 'admit', reason: 'Refused', retryable: false }] }),
      { Accepted: 'False Refused', Complete: 'True Refused' },
      'Failed',
    ],
    ['its image pulled', aTask({ spec: { image: 'x' } }), nothing, { ImageReady: 'False Pulling' }, 'Preparing'],
    [
      'its image absent',
      aTask({ spec: { image: 'x' } }),
      actual({ failures: [{ ...failure, type: 'prepareImage', reason: 'ImageNotFound' }] }),
      { ImageReady: 'False ImageNotFound' },
      'Preparing',
    ],
    [
      'its image there',
      aTask({ spec: { image: 'x' } }),
      actual({ prepared: { admission: true, image: true, volumesOfAttempt: 0 } }),
      { ImageReady: 'True Present' },
      'Preparing',
    ],
    [
      'waiting for a Secret',
      task,
      actual({ failures: [{ ...failure, type: 'start', reason: 'ConfigMissing' }] }),
      { Running: 'False ConfigMissing' },
      'Preparing',
    ],
    ['running', task, actual({ runs: [aRun()] }), { Running: 'True Started', Ready: 'True Started' }, 'Running'],
    ['paused', task, actual({ runs: [aRun({ state: 'paused' })] }), { Running: 'False Paused', Ready: 'False NotRunning' }, 'Paused'],
    ['suspended before its start', aTask({ spec: { suspend: true } }), nothing, { Running: 'False Paused' }, 'Paused'],
    ['ended well', task, actual({ runs: [ended(0)] }), { Running: 'False Ended', Complete: 'True Succeeded' }, 'Succeeded'],
    ['ended badly', task, actual({ runs: [ended(3)] }), { Complete: 'True ExitCode' }, 'Failed'],
    ['killed', task, actual({ runs: [ended(137, { signal: 'SIGKILL' })] }), { Complete: 'True Signalled' }, 'Failed'],
    [
      'out of memory',
      task,
      actual({ runs: [ended(137, { signal: 'SIGKILL', oomKilled: true })] }),
      { Complete: 'True OOMKilled' },
      'Failed',
    ],
    [
      'without its command',
      task,
      actual({ runs: [ended(127, { failure: { reason: 'CommandNotFound', message: 'no x' } })] }),
      { Complete: 'True CommandNotFound' },
      'Failed',
    ],
    [
      'about to be restarted',
      aTask({ spec: { restartPolicy: 'Always' } }),
      actual({ runs: [ended(1)] }),
      { Running: 'False Restarting', Complete: undefined },
      'Preparing',
    ],
    [
      'crashing again and again',
      aTask({ spec: { restartPolicy: 'Always' } }),
      actual({
        runs: [ended(1)],
        ledger: { namespace: '', name: '', attempt: 0, run: 0, started: true, streak: 1, attemptStartedAtMs: 0 },
      }),
      { Running: 'False CrashLoopBackOff' },
      'Preparing',
    ],
  ])('%s', (_what, judged, found, conditions, phase) => {
    const status = taskStatus(judged, found, now)
    for (const [type, text] of Object.entries(conditions)) expect(said(status, type)).toBe(text)
    expect(status.phase).toBe(phase)
  })

  it('has times, codes and counts of the run', () => {
    const before = ended(1)
    const second = aRun({ id: { uid: task.metadata.uid, attempt: 0, run: 1 }, runtimeId: '43', address: '10.0.0.2' })
    const status = taskStatus(aTask({ spec: { restartPolicy: 'Always' } }), actual({ runs: [before, second] }), now)
    expect(status).toMatchObject({
      restarts: 1,
      exitCode: 1,
      runtimeId: '43',
      address: '10.0.0.2',
      startedAt: '2026-01-01T11:59:55Z',
      attempt: 0,
    })
    expect(status.finishedAt).toBeUndefined()
    expect(taskStatus(task, actual({ runs: [ended(0)] }), now)).toMatchObject({ exitCode: 0, finishedAt: '2026-01-01T11:59:59Z' })
  })

  it('is the same again when nothing changed, however late', () => {
    for (const found of [nothing, actual({ runs: [aRun()] }), actual({ runs: [ended(2)] })]) {
      const first = { ...task, status: taskStatus(task, found, now) }
      expect(statusPatch(first.status, taskStatus(first, found, now + 3_600_000))).toBeUndefined()
    }
  })

  it('leaves the word of whoever ended the task first', () => {
    const evicted = aTask({ status: { conditions: [{ type: 'Complete', status: 'True', reason: 'NodeLost', message: 'lost' }] } })
    expect(said(taskStatus(evicted, actual({ runs: [ended(0)] }), now), 'Complete')).toBe('True NodeLost')
  })

  it('keeps what others said, and the readiness of before until a probe has run again', () => {
    const probe = {
      tcp: { port: 1 },
      initialDelaySeconds: 0,
      periodSeconds: 10,
      timeoutSeconds: 1,
      successThreshold: 1,
      failureThreshold: 3,
    }
    const ready = aTask({
      spec: { readinessProbe: probe },
      status: {
        conditions: [
          { type: 'Ready', status: 'True', reason: 'Probed', message: 'm' },
          { type: 'Scheduled', status: 'True', reason: 'Bound' },
        ],
      },
    })
    const status = taskStatus(ready, actual({ runs: [aRun()] }), now)
    expect(said(status, 'Ready')).toBe('True Probed')
    expect(said(status, 'Scheduled')).toBe('True Bound')
    expect(said(taskStatus(ready, actual({ runs: [aRun()], probes: { ready: false } }), now), 'Ready')).toBe('False ProbeFailing')
  })
})

describe('the patch of a status', () => {
  it('has what differs, and null for what goes', () => {
    expect(statusPatch({ phase: 'Running', exitCode: 1, restarts: 2 }, { phase: 'Running', restarts: 3 })).toEqual({
      exitCode: null,
      restarts: 3,
    })
    expect(statusPatch({ phase: 'Running' }, { phase: 'Running', signal: undefined })).toBeUndefined()
  })
})

it('that a task is over holds for a later generation too, in the words and at the time of who said so', () => {
  const over = { type: 'Complete', status: 'True', reason: 'DeadlineExceeded', message: 'late', lastTransitionTime: '2026-01-01T11:00:00Z' }
  const changed = aTask({ metadata: { generation: 7 }, status: { conditions: [over] } as never })
  const status = taskStatus(changed, actual({ runs: [ended(0)] }), now)
  expect(findCondition({ status }, 'Complete')).toEqual({ ...over, observedGeneration: 7 })
})
