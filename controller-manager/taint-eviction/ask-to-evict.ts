import { isApiErrorWithReason, isConflict, isNotFound } from '../../lib/api/api-error.js'
import type { Node } from '../../lib/api/kinds/node.js'
import { Task } from '../../lib/api/kinds/task.js'
import { resourcePath } from '../../lib/client/resource-path.js'
import type { ReconcileContext } from '../../lib/controller/reconcile-context.js'

const mustWait = isApiErrorWithReason('TooManyRequests')

/** Evicts as people do, as far as disruption budgets allow. False: not now. */
export async function askToEvict(task: Task, message: string, ctx: ReconcileContext<typeof Node>): Promise<boolean> {
  const { namespace, name, uid } = task.metadata
  const path = resourcePath(Task, { namespace, name, subresource: 'eviction' })
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { namespace, name }, deleteOptions: { preconditions: { uid } } }
  try {
    await (await ctx.client.raw({ method: 'POST', path, body, signal: ctx.signal })).text()
  } catch (error) {
    // It is gone, or another one of its name is there.
    if (isNotFound(error) || isConflict(error)) return true
    if (mustWait(error)) return false
    throw error
  }
  ctx.event('Warning', 'Evicted', message, task)
  return true
}
