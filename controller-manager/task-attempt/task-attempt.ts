/**
 * Attempts whose node fell silent, was lost, or had them evicted: shows them as Unknown, ends them as lost, or begins the next attempt by clearing the
 * binding, as `onNodeLost` says. One rule: never two running copies, so a node counts as lost only when its object is gone for a while and really, or a
 * person vouches for it.
 */

import { isNotFound } from '../../lib/api/api-error.js'
import { Node } from '../../lib/api/kinds/node.js'
import { Task } from '../../lib/api/kinds/task.js'
import { nodeCleanupFinalizer } from '../../lib/api/kinds/workload.js'
import { outOfServiceTaint } from '../../lib/api/taint-toleration.js'
import { taskPhase } from '../../lib/api/task-phase.js'
import { timestamp } from '../../lib/base/clock.js'
import { type Controller, controller } from '../../lib/controller/controller.js'
import type { Draft, ReconcileContext } from '../../lib/controller/reconcile-context.js'
import { watch } from '../../lib/controller/watch.js'
import type { ControllerContext } from '../controller-context.js'
import { isSilent } from '../node-lifecycle/judge-node.js'
import { type AttemptStep, decideAttempt, type NodeFate } from './decide-attempt.js'

/** A Node object that was not there for so long, in watch time, is gone: a node that is only being registered anew is not. */
const goneAfterMs = 40_000

export function taskAttempt({ nodes, tasks, watchTime }: ControllerContext): Controller {
  /** Watch time since which a node that tasks are bound to has no object. */
  const absentSince = new Map<string, number>()

  const fateOf = async (name: string, ctx: ReconcileContext<typeof Task>): Promise<NodeFate | 'absent'> => {
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

  return controller({
    name: 'task-attempt',
    for: Task,
    alsoDeleting: true,
    when: ({ spec }) => spec.nodeName !== undefined && spec.nodeName !== '',
    watches: [watch(Node, ({ metadata }) => tasks.lister.by('node', metadata.name).map((task) => task.metadata))],
    workers: 8,
    async reconcile(task, ctx) {
      const fate = await fateOf(task.spec.nodeName ?? '', ctx)
      if (fate === 'absent') return { requeueAfter: '5s' }
      await take(decideAttempt(task, fate), task, ctx)
      return undefined
    },
  })
}

/** The server is asked: what this process has not seen may be there all the same. */
async function isGone(name: string, ctx: ReconcileContext<typeof Task>): Promise<boolean> {
  try {
    await ctx.client.of(Node).get({ name })
    return false
  } catch (error) {
    if (isNotFound(error)) return true
    throw error
  }
}

/** Every write is guarded by the revision that was looked at. */
async function take(step: AttemptStep, task: Draft<typeof Task>, ctx: ReconcileContext<typeof Task>): Promise<void> {
  const { nodeName } = task.spec
  switch (step.type) {
    case 'none':
      return
    case 'markUnknown': {
      ctx.condition('Running', 'Unknown', 'NodeUnreachable', `node ${nodeName} does not report`)
      task.status.phase = taskPhase(task.status.conditions)
      return
    }
    case 'markLost': {
      const message = `node ${nodeName} was lost, and onNodeLost is Keep`
      ctx.condition('Complete', true, 'NodeLost', message)
      task.status.phase = taskPhase(task.status.conditions)
      task.status.finishedAt = timestamp(ctx.clock.now())
      ctx.event('Warning', 'NodeLost', message)
      return
    }
    case 'unbind':
      // One write: the server begins the next attempt, and takes the finalizer off, in the same revision.
      await ctx.commit(Task, task, { ...task, spec: { ...task.spec, nodeName: undefined } })
      ctx.event('Normal', 'Rescheduled', `attempt ${task.status?.attempt ?? 0} on node ${nodeName} ended; another follows`)
      return
    case 'releaseFinalizer': {
      const finalizers = task.metadata.finalizers?.filter((finalizer) => finalizer !== nodeCleanupFinalizer)
      await ctx.commit(Task, task, { ...task, metadata: { ...task.metadata, finalizers } })
    }
  }
}
