import { findCondition } from '../../lib/api/condition.js'
import type { CronTask } from '../../lib/api/kinds/cron-task.js'
import { backendOf, type Task } from '../../lib/api/kinds/task.js'
import { nextRuns } from '../../lib/api/schedule/next-run.js'
import { parseSchedule } from '../../lib/api/schedule/parse-schedule.js'
import { findTimeZone, type TimeZone } from '../../lib/api/schedule/time-zone.js'
import { shortDuration } from '../../lib/api/short-duration.js'
import { alignColumns } from '../print/align-columns.js'
import { printWords } from '../print/print-words.js'
import { printConditions } from './conditions.js'
import { headFields } from './head-fields.js'
import { printTime } from './print-time.js'
import { fieldLines } from './text-block.js'

const shownRuns = 5

/** A CronTask in words: when it runs by the wall clocks of its zone, and what became of its last Tasks. */
export function describeCronTask(cronTask: CronTask, tasks: readonly Task[], nowMs: number): string {
  const { spec, status = {} } = cronTask
  const template = spec.taskTemplate.spec
  const zone = findTimeZone(spec.timeZone)
  const time = (text: string | undefined) => (text && zone ? printTime(Date.parse(text), zone, nowMs) : text)
  const seconds = spec.startingDeadlineSeconds
  return [
    fieldLines([
      ...headFields(cronTask, nowMs),
      ['Schedule', spec.schedule],
      ['Time Zone', spec.timeZone],
      ['Suspended', String(spec.suspend)],
      ['Concurrency Policy', spec.concurrencyPolicy],
      ['Starting Deadline', seconds === undefined ? '<none>' : `${seconds}s`],
      ['History', `${spec.successfulTasksHistoryLimit} that succeeded, ${spec.failedTasksHistoryLimit} that failed`],
      ['Backend', backendOf(template)],
      ['Image', template.image],
      ['Command', template.command && printWords(template.command)],
      ['Args', template.args && printWords(template.args)],
      ['Last Schedule', time(status.lastScheduleTime) ?? '<none>'],
      ['Last Success', time(status.lastSuccessfulTime) ?? '<none>'],
      ['Next Schedules', spec.suspend || !zone ? '<none>' : comingRuns(cronTask, zone, nowMs).join('\n')],
    ]),
    printConditions(status.conditions, nowMs),
    printTasks(tasks, nowMs),
  ].join('')
}

function comingRuns({ spec }: CronTask, zone: TimeZone, nowMs: number): string[] {
  return nextRuns(parseSchedule(spec.schedule), zone, nowMs, shownRuns).map((run) => printTime(run, zone, nowMs))
}

/** Oldest first. */
function printTasks(tasks: readonly Task[], nowMs: number): string {
  if (tasks.length === 0) return 'Tasks:  <none>\n'
  const ago = (time: string | undefined) => (time === undefined ? '' : shortDuration(nowMs - Date.parse(time)))
  const rows = [...tasks]
    .sort((one, other) => Date.parse(one.metadata.creationTimestamp) - Date.parse(other.metadata.creationTimestamp))
    .map(({ metadata, status = {} }) => [
      `  ${metadata.name}`,
      status.phase ?? 'Pending',
      findCondition({ status }, 'Complete')?.reason ?? '',
      status.exitCode === undefined ? '' : String(status.exitCode),
      ago(metadata.creationTimestamp),
      ago(status.finishedAt),
    ])
  return `Tasks:\n${alignColumns([['  Name', 'Phase', 'End', 'Exit', 'Created', 'Finished'], ['  ----', '-----', '---', '----', '-------', '--------'], ...rows])}`
}
