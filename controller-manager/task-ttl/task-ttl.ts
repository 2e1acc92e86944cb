/** Deletes tasks `ttlSecondsAfterFinished` after their end. One rule: the very state that was judged is deleted, or nothing. */
import { Task } from '../../lib/api/kinds/task.js'
import { controller } from '../../lib/controller/controller.js'
import { deleteAtMs } from './decide-ttl.js'

export const taskTtl = controller({
  name: 'task-ttl',
  for: Task,
  when: (task) => task.spec.ttlSecondsAfterFinished !== undefined,
  async reconcile(task, ctx) {
    const atMs = deleteAtMs(task)
    if (atMs === undefined) return undefined
    const leftMs = atMs - ctx.clock.now()
    if (leftMs > 0) return { requeueAfter: `${leftMs}ms` }
    const { uid, resourceVersion } = task.metadata
    await ctx.client.of(Task).delete(task.metadata, { preconditions: { uid, resourceVersion }, propagationPolicy: 'Background' })
    return undefined
  },
})
