/**
 * Reminds agents of `activeDeadlineSeconds`. The agent ends its tasks at their deadline by itself, also when it cannot reach the API; where
 * it has not, it is asked to, by the condition DisruptionTarget.
 */
import { disruptionTarget } from '../../lib/api/disruption.js'
import { Task } from '../../lib/api/kinds/task.js'
import { controller } from '../../lib/controller/controller.js'
import { askAtMs } from './decide-deadline.js'

export const taskDeadline = controller({
  name: 'task-deadline',
  for: Task,
  when: (task) => task.spec.activeDeadlineSeconds !== undefined,
  async reconcile(task, ctx) {
    const atMs = askAtMs(task)
    if (atMs === undefined) return undefined
    const leftMs = atMs - ctx.clock.now()
    if (leftMs > 0) return { requeueAfter: `${leftMs}ms` }
    const message = `its activeDeadlineSeconds of ${task.spec.activeDeadlineSeconds} are over, and its agent has not ended it`
    ctx.condition(disruptionTarget, true, 'DeadlineExceeded', message)
    ctx.event('Warning', 'DeadlineExceeded', message)
    return undefined
  },
})
