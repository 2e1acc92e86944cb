import { findCondition } from '../../lib/api/condition.js'
import type { CronTask } from '../../lib/api/kinds/cron-task.js'
import type { Task } from '../../lib/api/kinds/task.js'
import { succeededReason } from '../../lib/api/task-phase.js'
import { hasEnded } from '../task-end.js'
import { byAge, scheduledTimeOf } from './scheduled-task.js'

export const hasSucceeded = (task: Task): boolean => hasEnded(task) && findCondition(task, 'Complete')?.reason === succeededReason

/**
 * The ended Tasks for which the history has no room: the oldest. One whose start is not yet written down in the status stays, for it is
 * what shows that its time has had its Task.
 */
export function superfluousTasks(cronTask: CronTask, tasks: readonly Task[]): Task[] {
  const { successfulTasksHistoryLimit, failedTasksHistoryLimit } = cronTask.spec
  const recordedMs = Date.parse(cronTask.status?.lastScheduleTime ?? '')
  const isRecorded = (task: Task) => {
    const scheduledMs = scheduledTimeOf(cronTask, task)
    return scheduledMs === undefined || scheduledMs <= recordedMs
  }
  const ended = tasks.filter((task) => hasEnded(task) && !task.metadata.deletionTimestamp).sort(byAge)
  const beyond = (some: Task[], limit: number) => some.slice(0, Math.max(0, some.length - limit))
  return [
    ...beyond(ended.filter(hasSucceeded), successfulTasksHistoryLimit),
    ...beyond(
      ended.filter((task) => !hasSucceeded(task)),
      failedTasksHistoryLimit,
    ),
  ].filter(isRecorded)
}
