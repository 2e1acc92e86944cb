import { isAlreadyExists, isForbidden, isInvalid, isNotFound } from '../../lib/api/api-error.js'
import { type CronTask, scheduledTimeAnnotation } from '../../lib/api/kinds/cron-task.js'
import { Task } from '../../lib/api/kinds/task.js'
import { timestamp } from '../../lib/base/clock.js'
import { controllerOf, controllerReference } from '../../lib/controller/owner-reference.js'
import type { ReconcileContext } from '../../lib/controller/reconcile-context.js'
import type { Readiness } from './decide-runs.js'
import { taskNameFor } from './scheduled-task.js'

export type Start =
  /** The time has its Task: undefined when that is gone again already. */
  | { readonly type: 'started'; readonly task: Task | undefined }
  /** The name is somebody else's: the time has none, and gets none. */
  | { readonly type: 'taken'; readonly ready: Readiness }
  /** The server does not take it as it is; it may after a change of something else. */
  | { readonly type: 'refused'; readonly ready: Readiness }

/** Creates the Task for a time. That it is there already, because this was cut off after it, is as good. */
export async function startTask(cronTask: CronTask, timeMs: number, ctx: ReconcileContext<typeof CronTask>): Promise<Start> {
  const { namespace } = cronTask.metadata
  const { metadata: { labels, annotations } = {}, spec } = cronTask.spec.taskTemplate
  const name = taskNameFor(cronTask, timeMs)
  const metadata = {
    name,
    ...(namespace ? { namespace } : {}),
    ...(labels ? { labels } : {}),
    annotations: { ...annotations, [scheduledTimeAnnotation]: timestamp(timeMs) },
    ownerReferences: [controllerReference(cronTask)],
  }
  try {
    const task = await ctx.client.of(Task).create({ metadata, spec })
    ctx.event('Normal', 'SuccessfulCreate', `created Task ${name} for ${timestamp(timeMs)}`)
    return { type: 'started', task }
  } catch (error) {
    if (isAlreadyExists(error)) return await judgeHolder(cronTask, name, ctx)
    if (!isForbidden(error) && !isInvalid(error)) throw error
    const message = `Task ${name} was refused: ${(error as Error).message}`
    ctx.event('Warning', 'FailedCreate', message)
    return { type: 'refused', ready: { status: false, reason: 'FailedCreate', message } }
  }
}

/** Who has the name now. What is gone since was our own, as far as anybody can know: no time gets two. */
async function judgeHolder(cronTask: CronTask, name: string, ctx: ReconcileContext<typeof CronTask>): Promise<Start> {
  const { namespace, uid } = cronTask.metadata
  const holder = await ctx.client
    .of(Task)
    .get({ namespace, name }, { signal: ctx.signal })
    .catch((error: unknown) => {
      if (!isNotFound(error)) throw error
      return undefined
    })
  if (!holder || controllerOf(holder)?.uid === uid) return { type: 'started', task: holder }
  const message = `there is another Task ${name}, which is not of this CronTask: its time is passed over`
  ctx.event('Warning', 'NameTaken', message)
  return { type: 'taken', ready: { status: false, reason: 'NameTaken', message } }
}
