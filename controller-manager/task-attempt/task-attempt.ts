/**
 * Attempts whose node fell silent, was lost, or had them evicted: shows them as Unknown, ends them as lost, or begins the next attempt by clearing the
 * binding, as `onNodeLost` says. One rule: never two running copies, so a node counts as lost only when its object is gone for a while and really, or a
 * person vouches for it.
 */
import { isNotFound } from '../../lib/api/api-error.js'
import { withCondition } from '../../lib/api/condition.js'
import { Node } from '../../lib/api/kinds/node.js'
import { Task } from '../../lib/api/kinds/task.js'
import { nodeCleanupFinalizer } from '../../lib/api/kinds/workload.js'
import { outOfServiceTaint } from '../../lib/api/taint-toleration.js'
import { taskPhase } from '../../lib/api/task-phase.js'
import { timestamp } from '../../lib/base/clock.js'
import { objectName } from '../../lib/client/resource-path.js'
import { type ReconcileContext, runController } from '../../lib/controller/run-controller.js'
import { onChange } from '../../lib/controller/trigger.js'
import type { ControllerContext } from '../controller-context.js'
import { isSilent } from '../node-lifecycle/judge-node.js'
import { type AttemptStep, decideAttempt, type NodeFate } from './decide-attempt.js'

/** A Node object that was not there for so long, in watch time, is gone: a node that is only being registered anew is not. */
const goneAfterMs = 40_000
const lookAgainMs = 5_000

export function runTaskAttempt(context: ControllerContext, signal: AbortSignal): Promise<void> {
  const { nodes, tasks, watchTime } = context
  /** Watch time since which a node that tasks are bound to has no object. */
  const absentSince = new Map<string, number>()
  const tasksOn = (node: Node) => tasks.lister.by('node', node.metadata.name).map(objectName)

  const fateOf = async (name: string, ctx: ReconcileContext): Promise<NodeFate | 'absent'> => {
    const node = nodes.lister.get(name)
    if (node) {
      absentSince.delete(name)
      if (node.spec.taints?.some(({ key }) => key === outOfServiceTaint)) return 'lost'
      return isSilent(node) ? 'silent' : 'well'
    }
    const sinceMs = absentSince.get(name) ?? watchTime.countedMs
    absentSince.set(name, sinceMs)
    if (watchTime.countedMs - sinceMs < goneAfterMs) return 'absent'
    return (await isGone(name, ctx)) ? 'lost' : 'absent'
  }

  return runController(
    {
      ...context,
      name: 'task-attempt',
      informers: [nodes, tasks],
      triggers: [onChange(tasks, (task) => [objectName(task)]), onChange(nodes, tasksOn)],
      workers: 8,
      async reconcile(key, ctx) {
        const task = tasks.lister.get(key)
        if (!task?.spec.nodeName) return undefined
        const fate = await fateOf(task.spec.nodeName, ctx)
        if (fate === 'absent') return { requeueAfterMs: lookAgainMs }
        await take(decideAttempt(task, fate), task, ctx)
        return undefined
      },
    },
    signal,
  )
}

async function isGone(name: string, ctx: ReconcileContext): Promise<boolean> {
  try {
    await ctx.client.of(Node).get({ name }, { signal: ctx.signal })
    return false
  } catch (error) {
    if (isNotFound(error)) return true
    throw error
  }
}

/** Every write is guarded by the revision that was looked at. */
async function take(step: AttemptStep, task: Task, ctx: ReconcileContext): Promise<void> {
  const { nodeName } = task.spec
  const nowMs = ctx.clock.now()
  switch (step.type) {
    case 'none':
      return
    case 'markUnknown': {
      const condition = {
        type: 'Running',
        status: 'Unknown',
        reason: 'NodeUnreachable',
        message: `node ${nodeName} does not report`,
      } as const
      await commitConditions(task, withCondition(task.status?.conditions, condition, nowMs), {}, ctx)
      return
    }
    case 'markLost': {
      const message = `node ${nodeName} was lost, and onNodeLost is Keep`
      const condition = { type: 'Complete', status: 'True', reason: 'NodeLost', message } as const
      await commitConditions(task, withCondition(task.status?.conditions, condition, nowMs), { finishedAt: timestamp(nowMs) }, ctx)
      ctx.events.record(task, 'Warning', 'NodeLost', message)
      return
    }
    case 'unbind':
      // One write: the server begins the next attempt, and takes the finalizer off, in the same revision.
      await ctx.commit(Task, task, { ...task, spec: { ...task.spec, nodeName: undefined } })
      ctx.events.record(task, 'Normal', 'Rescheduled', `attempt ${task.status?.attempt ?? 0} on node ${nodeName} ended; another follows`)
      return
    case 'releaseFinalizer': {
      const finalizers = task.metadata.finalizers?.filter((finalizer) => finalizer !== nodeCleanupFinalizer)
      await ctx.commit(Task, task, { ...task, metadata: { ...task.metadata, finalizers } })
    }
  }
}

async function commitConditions(
  task: Task,
  conditions: NonNullable<Task['status']>['conditions'],
  more: Partial<Task['status']>,
  ctx: ReconcileContext,
): Promise<void> {
  await ctx.commit(Task, task, { ...task, status: { ...task.status, ...more, conditions, phase: taskPhase(conditions) } })
}
