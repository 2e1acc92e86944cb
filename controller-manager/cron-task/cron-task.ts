/**
 * Starts the Tasks of CronTasks when it is time, replaces and removes old ones, and says when the next is due. One rule: the name of a Task
 * is made of the time that it is for, so that no time gets two, whoever was killed in between.
 */
import { CronTask } from '../../lib/api/kinds/cron-task.js'
import { Task } from '../../lib/api/kinds/task.js'
import { timestamp } from '../../lib/base/clock.js'
import { controller } from '../../lib/controller/controller.js'
import { endedAtMs, hasEnded } from '../task-end.js'
import { decideRuns } from './decide-runs.js'
import { startTask } from './start-task.js'
import { hasSucceeded, superfluousTasks } from './superfluous-tasks.js'

/** Timers do not know when somebody puts the clock right: nobody sleeps longer. */
const longestSleepMs = 60_000

export const cronTask = controller({
  name: 'cron-task',
  for: CronTask,
  owns: [Task],
  async reconcile(cronTask, ctx) {
    const nowMs = ctx.clock.now()
    const tasks = ctx.owned(Task)
    const decision = decideRuns(cronTask, tasks, nowMs)
    const { startMs, wakeMs, replaced } = decision
    let { active, lastMs, nextMs, ready } = decision
    if (decision.missed && ready) ctx.event('Warning', ready.reason, ready.message)

    for (const task of superfluousTasks(cronTask, tasks)) await ctx.delete(Task, task)
    for (const task of replaced) {
      await ctx.delete(Task, task)
      ctx.event('Normal', 'SuccessfulDelete', `deleted Task ${task.metadata.name}, which the next one replaces`)
    }
    if (startMs !== undefined) {
      const start = await startTask(cronTask, startMs, ctx)
      if (start.type === 'started') lastMs = startMs
      else ready = start.ready
      if (start.type === 'refused') nextMs = startMs
      if (start.type === 'started' && start.task && !hasEnded(start.task)) active = [...active, start.task]
    }

    const { status } = cronTask
    status.active = active.map(referenceTo)
    status.lastScheduleTime = printed(lastMs)
    status.nextScheduleTime = printed(nextMs)
    status.lastSuccessfulTime = lastSuccess(status.lastSuccessfulTime, tasks)
    if (ready) ctx.condition('Ready', ready.status, ready.reason, ready.message)
    return wakeMs === undefined ? undefined : { requeueAfter: `${Math.min(Math.max(wakeMs - nowMs, 1), longestSleepMs)}ms` }
  },
})

const printed = (timeMs: number | undefined) => (timeMs === undefined ? undefined : timestamp(timeMs))

function referenceTo({ metadata: { namespace = '', name, uid } }: Task) {
  return { apiVersion: Task.apiVersion, kind: Task.kind, namespace, name, uid }
}

/** It stays when the Task that it tells of has gone from the history. */
function lastSuccess(known: string | undefined, tasks: readonly Task[]): string | undefined {
  const times = [Date.parse(known ?? ''), ...tasks.filter(hasSucceeded).map((task) => endedAtMs(task) ?? Number.NaN)]
  const succeededMs = times.filter((time) => !Number.isNaN(time))
  return succeededMs.length === 0 ? undefined : timestamp(Math.max(...succeededMs))
}
