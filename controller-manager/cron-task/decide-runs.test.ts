import { describe, expect, it } from 'vitest'
import type { CronTaskStatus } from '../../lib/api/kinds/cron-task.js'
import { timestamp } from '../../lib/base/clock.js'
import { aTask } from '../../lib/testing/a-task.js'
import { decideRuns } from './decide-runs.js'
import { aCronTask, aScheduledTask, type CronTaskParts } from './fixtures/cron-tasks.js'

const at = (time: string) => `2026-01-01T${time}Z`
const ready = (reason: string) => ({ type: 'Ready', status: 'True' as const, reason })
/** A CronTask that has been looked at before. */
const known = (next: string | undefined, last?: string, reason = 'OnSchedule'): CronTaskStatus => ({
  ...(next ? { nextScheduleTime: at(next) } : {}),
  ...(last ? { lastScheduleTime: at(last) } : {}),
  conditions: [ready(reason)],
})

function decided(parts: CronTaskParts, now: string, tasks: Parameters<typeof decideRuns>[1] = []) {
  const { startMs, nextMs, ready, replaced } = decideRuns(aCronTask(parts), tasks, Date.parse(at(now)))
  const time = (ms: number | undefined) => (ms === undefined ? 'none' : timestamp(ms).replace('2026-01-01T', '').replace(':00Z', ''))
  const gone = replaced.map(({ metadata }) => ` -${metadata.name}`).join('')
  return `${time(startMs)} next ${time(nextMs)} ${ready?.reason ?? 'as before'}${gone}`
}

describe('a CronTask', () => {
  it.each<[string, CronTaskParts, string, string]>([
    ['that is new waits for its first time', {}, '00:30:00', 'none next 01:00 OnSchedule'],
    ['that is new gets a Task for a time since its creation', {}, '01:30:00', '01:00 next 02:00 OnSchedule'],
    ['that was created at the very time waits for the next', {}, '00:00:00', 'none next 01:00 OnSchedule'],
    ['waits', { status: known('03:00', '02:00') }, '02:59:59', 'none next 03:00 OnSchedule'],
    ['gets a Task when it is time', { status: known('03:00', '02:00') }, '03:00:00', '03:00 next 04:00 OnSchedule'],
    [
      'gets one Task for all times that were missed, the latest',
      { status: known('03:00', '02:00') },
      '07:10:00',
      '07:00 next 08:00 OnSchedule',
    ],
    [
      'gets none past its deadline',
      { spec: { startingDeadlineSeconds: 60 }, status: known('03:00') },
      '03:01:01',
      'none next 04:00 MissSchedule',
    ],
    [
      'gets one at its deadline',
      { spec: { startingDeadlineSeconds: 60 }, status: known('03:00') },
      '03:01:00',
      '03:00 next 04:00 OnSchedule',
    ],
    [
      'gets the latest of those within the deadline',
      { spec: { startingDeadlineSeconds: 5_400 }, status: known('01:00') },
      '04:20:00',
      '04:00 next 05:00 OnSchedule',
    ],
    [
      'that has missed a hundred times gets one Task',
      { spec: { schedule: '* * * * *' }, status: known('03:00') },
      '04:39:00',
      '04:39 next 04:40 OnSchedule',
    ],
    [
      'that has missed more goes on from now',
      { spec: { schedule: '* * * * *' }, status: known('03:00') },
      '04:40:00',
      'none next 04:41 TooManyMissedTimes',
    ],
    [
      'counts as missed what is within the deadline alone',
      { spec: { schedule: '* * * * *', startingDeadlineSeconds: 90 }, status: known('03:00') },
      '09:40:00',
      '09:40 next 09:41 OnSchedule',
    ],
    ['still says what it missed', { status: known('03:00', '02:00', 'MissSchedule') }, '02:30:00', 'none next 03:00 as before'],
    [
      'says so no longer after the next Task',
      { status: known('03:00', '02:00', 'MissSchedule') },
      '03:00:00',
      '03:00 next 04:00 OnSchedule',
    ],
    ['that is suspended gets none', { spec: { suspend: true }, status: known('03:00') }, '03:00:00', 'none next none Suspended'],
    ['that is resumed goes on from now', { status: known(undefined, '02:00', 'Suspended') }, '05:30:00', 'none next 06:00 OnSchedule'],
    [
      'whose schedule has changed goes on from now',
      { spec: { schedule: '*/20 * * * *' }, status: known('03:00', '02:00') },
      '02:30:00',
      'none next 02:40 OnSchedule',
    ],
    [
      'whose schedule has changed while nobody looked is late for nothing',
      { spec: { schedule: '30 * * * *' }, status: known('03:00', '02:00') },
      '05:45:00',
      'none next 06:30 OnSchedule',
    ],
    [
      'gets no second Task when the clock goes back a little',
      { status: known('04:00', '03:00') },
      '02:59:59',
      'none next 04:00 OnSchedule',
    ],
    [
      'gets none before the last when the clock goes back',
      { status: known('10:00', '09:00') },
      '02:30:00',
      'none next 10:00 ClockWentBack',
    ],
    ['goes by the clock again that went ahead', { status: known('10:00', '02:00') }, '02:30:00', 'none next 03:00 OnSchedule'],
    [
      'goes by the wall clocks of its zone',
      { spec: { schedule: '0 9 * * *', timeZone: 'Asia/Kathmandu' }, status: known('03:15') },
      '03:15:00',
      '03:15 next 2026-01-02T03:15 OnSchedule',
    ],
  ])('%s', (_name, parts, now, expected) => expect(decided(parts, now)).toBe(expected))

  it.each<[string, CronTaskParts, string, Parameters<typeof decideRuns>[1], string]>([
    ['that allows it has several', { status: known('03:00') }, '03:00:00', [aScheduledTask(at('02:00:00'))], '03:00 next 04:00 OnSchedule'],
    [
      'that forbids it waits for the end of the one',
      { spec: { concurrencyPolicy: 'Forbid' }, status: known('03:00') },
      '03:00:00',
      [aScheduledTask(at('02:00:00'))],
      'none next 03:00 TaskAlreadyActive',
    ],
    [
      'that forbids it waits with the latest time alone',
      { spec: { concurrencyPolicy: 'Forbid' }, status: known('03:00') },
      '05:10:00',
      [aScheduledTask(at('02:00:00'))],
      'none next 05:00 TaskAlreadyActive',
    ],
    [
      'that waited starts the next',
      { spec: { concurrencyPolicy: 'Forbid' }, status: known('05:00', '02:00', 'TaskAlreadyActive') },
      '05:20:00',
      [aScheduledTask(at('02:00:00'), 'ExitCode')],
      '05:00 next 06:00 OnSchedule',
    ],
    [
      'that waited too long misses it',
      { spec: { concurrencyPolicy: 'Forbid', startingDeadlineSeconds: 60 }, status: known('05:00', '02:00', 'TaskAlreadyActive') },
      '05:20:00',
      [aScheduledTask(at('02:00:00'), 'ExitCode')],
      'none next 06:00 MissSchedule',
    ],
    [
      'that forbids it waits for what a person started, and for what is being deleted',
      { spec: { concurrencyPolicy: 'Forbid' }, status: known('03:00') },
      '03:00:00',
      [aTask({ name: 'by-hand' }), aScheduledTask(at('02:00:00'), 'going')],
      'none next 03:00 TaskAlreadyActive',
    ],
    [
      'that replaces deletes all that are active',
      { spec: { concurrencyPolicy: 'Replace' }, status: known('03:00') },
      '03:00:00',
      [aScheduledTask(at('02:00:00')), aScheduledTask(at('01:00:00'), 'going'), aScheduledTask(at('00:00:00'), 'ExitCode')],
      'none next 03:00 Replacing -c-29453880',
    ],
    [
      'that replaces is not late because the other takes long to go',
      { spec: { concurrencyPolicy: 'Replace', startingDeadlineSeconds: 10 }, status: known('03:00') },
      '03:01:00',
      [aScheduledTask(at('02:00:00'), 'going')],
      'none next 03:00 Replacing',
    ],
    [
      'that has replaced starts the next',
      { spec: { concurrencyPolicy: 'Replace', startingDeadlineSeconds: 10 }, status: known('03:00', '02:00', 'Replacing') },
      '03:02:00',
      [],
      '03:00 next 04:00 OnSchedule',
    ],
    [
      'whose Task was started without its being written down gets no second',
      { status: known('03:00', '02:00') },
      '03:00:01',
      [aScheduledTask(at('03:00:00'))],
      'none next 04:00 OnSchedule',
    ],
    [
      'is not led astray by an annotation',
      { status: known('03:00', '02:00') },
      '03:00:01',
      [{ ...aScheduledTask(at('09:00:00')), metadata: { ...aScheduledTask(at('09:00:00')).metadata, name: 'other' } }],
      '03:00 next 04:00 OnSchedule',
    ],
  ])('%s', (_name, parts, now, tasks, expected) => expect(decided(parts, now, tasks)).toBe(expected))

  it('looks again at its deadline while it waits', () => {
    const waiting = aCronTask({ spec: { concurrencyPolicy: 'Forbid', startingDeadlineSeconds: 60 }, status: known('03:00') })
    const { wakeMs } = decideRuns(waiting, [aScheduledTask(at('02:00:00'))], Date.parse(at('03:00:00')))
    expect(wakeMs).toBe(Date.parse(at('03:01:00')) + 1)
  })
})
