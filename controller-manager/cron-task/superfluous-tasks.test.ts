import { expect, it } from 'vitest'
import type { Task } from '../../lib/api/kinds/task.js'
import { aCronTask, aScheduledTask } from './fixtures/cron-tasks.js'
import { superfluousTasks } from './superfluous-tasks.js'

const at = (hour: number) => `2026-01-01T0${hour}:00:00Z`
const recorded = { lastScheduleTime: at(8) }
const succeeded = [3, 1, 2, 5, 4].map((hour) => aScheduledTask(at(hour), 'Succeeded'))

it.each<[string, Parameters<typeof aCronTask>[0], Task[], number[]]>([
  ['the oldest beyond the limit go', { status: recorded }, succeeded, [1, 2]],
  [
    'each sort has its limit',
    { status: recorded },
    [...succeeded.slice(0, 2), aScheduledTask(at(6), 'ExitCode'), aScheduledTask(at(7), 'ExitCode')],
    [6],
  ],
  [
    'what is active stays',
    { status: recorded, spec: { successfulTasksHistoryLimit: 0 } },
    [aScheduledTask(at(1)), aScheduledTask(at(2), 'going')],
    [],
  ],
  ['none is kept when the limit says so', { status: recorded, spec: { successfulTasksHistoryLimit: 0 } }, succeeded.slice(0, 2), [1, 3]],
  [
    'what shows that its time is over stays until that is written down',
    { status: { lastScheduleTime: at(1) }, spec: { successfulTasksHistoryLimit: 0 } },
    succeeded.slice(0, 2),
    [1],
  ],
  ['so does the first of all', { spec: { successfulTasksHistoryLimit: 0 } }, succeeded.slice(0, 1), []],
])('%s', (_name, parts, tasks, gone) => {
  const names = superfluousTasks(aCronTask(parts), tasks).map(({ metadata }) => Number(metadata.creationTimestamp.slice(11, 13)))
  expect(names).toEqual(gone)
})
