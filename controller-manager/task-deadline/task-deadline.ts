/**
 * Reminds agents of `activeDeadlineSeconds`. The agent ends its tasks at their deadline by itself, also when it cannot reach the API; where it has not, it
 * is asked to, by the condition DisruptionTarget.
 */
import { withCondition } from '../../lib/api/condition.js'
import { disruptionTarget } from '../../lib/api/disruption.js'
import { Task } from '../../lib/api/kinds/task.js'
import { objectName } from '../../lib/client/resource-path.js'
import { runController } from '../../lib/controller/run-controller.js'
import { onChange } from '../../lib/controller/trigger.js'
import type { ControllerContext } from '../controller-context.js'
import { askAtMs } from './decide-deadline.js'

export function runTaskDeadline(context: ControllerContext, signal: AbortSignal): Promise<void> {
  const { tasks } = context
  return runController(
    {
      ...context,
      name: 'task-deadline',
      informers: [tasks],
      triggers: [onChange(tasks, (task) => [task.spec.activeDeadlineSeconds === undefined ? undefined : objectName(task)])],
      async reconcile(key, ctx) {
        const task = tasks.lister.get(key)
        const atMs = task && askAtMs(task)
        if (!task || atMs === undefined) return undefined
        const leftMs = atMs - ctx.clock.now()
        if (leftMs > 0) return { requeueAfterMs: leftMs }
        const message = `its activeDeadlineSeconds of ${task.spec.activeDeadlineSeconds} are over, and its agent has not ended it`
        const conditions = withCondition(
          task.status?.conditions,
          { type: disruptionTarget, status: 'True', reason: 'DeadlineExceeded', message },
          ctx.clock.now(),
        )
        await ctx.commit(Task, task, { ...task, status: { ...task.status, conditions } })
        ctx.events.record(task, 'Warning', 'DeadlineExceeded', message)
        return undefined
      },
    },
    signal,
  )
}
