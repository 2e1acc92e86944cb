/**
 * Attempts whose node fell silent, was lost, or had them evicted: shows them as Unknown, ends them as lost, or begins the next attempt by
 * clearing the binding, as `onNodeLost` says. One rule: never two running copies, so a node counts as lost only when its object is gone for
 * a while and really, or a person vouches for it.
 */

import { Node } from '../../lib/api/kinds/node.js'
import { Task } from '../../lib/api/kinds/task.js'
import { nodeCleanupFinalizer } from '../../lib/api/kinds/workload.js'
import { taskPhase } from '../../lib/api/task-phase.js'
import { timestamp } from '../../lib/base/clock.js'
import { type Controller, controller } from '../../lib/controller/controller.js'
import type { Draft, ReconcileContext } from '../../lib/controller/reconcile-context.js'
import { watch } from '../../lib/controller/watch.js'
import type { ControllerContext } from '../controller-context.js'
import { NodeFates } from '../node-fate/node-fates.js'
import { type AttemptStep, decideAttempt } from './decide-attempt.js'

export function taskAttempt(context: ControllerContext): Controller {
  const { tasks } = context
  const fates = new NodeFates(context)
  return controller({
    name: 'task-attempt',
    for: Task,
    alsoDeleting: true,
    when: ({ spec }) => spec.nodeName !== undefined && spec.nodeName !== '',
    watches: [watch(Node, ({ metadata }) => tasks.lister.by('node', metadata.name).map((task) => task.metadata))],
    workers: 8,
    async reconcile(task, ctx) {
      const fate = await fates.of(task.spec.nodeName ?? '', ctx.client)
      if (fate === 'absent') return { requeueAfter: '5s' }
      await take(decideAttempt(task, fate), task, ctx)
      return undefined
    },
  })
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
