/** Deletes tasks `ttlSecondsAfterFinished` after their end. One rule: the very state that was judged is deleted, or nothing. */
import { isNotFound } from '../../lib/api/api-error.js'
import { Task } from '../../lib/api/kinds/task.js'
import { objectName } from '../../lib/client/resource-path.js'
import { runController } from '../../lib/controller/run-controller.js'
import { onChange } from '../../lib/controller/trigger.js'
import type { ControllerContext } from '../controller-context.js'
import { deleteAtMs } from './decide-ttl.js'

export function runTaskTtl(context: ControllerContext, signal: AbortSignal): Promise<void> {
  const { tasks } = context
  return runController(
    {
      ...context,
      name: 'task-ttl',
      informers: [tasks],
      triggers: [onChange(tasks, (task) => [task.spec.ttlSecondsAfterFinished === undefined ? undefined : objectName(task)])],
      async reconcile(key, ctx) {
        const task = tasks.lister.get(key)
        const atMs = task && deleteAtMs(task)
        if (!task || atMs === undefined) return undefined
        const leftMs = atMs - ctx.clock.now()
        if (leftMs > 0) return { requeueAfterMs: leftMs }
        const { namespace, name, uid, resourceVersion } = task.metadata
        try {
          await ctx.client
            .of(Task)
            .delete({ namespace, name }, { preconditions: { uid, resourceVersion }, propagationPolicy: 'Background', signal: ctx.signal })
        } catch (error) {
          if (!isNotFound(error)) throw error
        }
        return undefined
      },
    },
    signal,
  )
}
