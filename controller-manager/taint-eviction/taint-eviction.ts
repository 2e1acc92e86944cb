/**
 * Ends attempts on nodes with NoExecute taints, when the task's tolerations are over: it asks the agent for the end (DisruptionTarget), and
 * what follows is task-attempt's. A drain asks disruption budgets, again and again; everything else takes without asking. One rule: when
 * most nodes are silent at once, nobody leaves because of silence, and the waiting begins anew when they are back.
 */
import { withCondition } from '../../lib/api/condition.js'
import { disruptionOf, disruptionTarget } from '../../lib/api/disruption.js'
import { Node } from '../../lib/api/kinds/node.js'
import { Task } from '../../lib/api/kinds/task.js'
import { printTaint } from '../../lib/api/taint-toleration.js'
import { type Controller, controller } from '../../lib/controller/controller.js'
import type { ReconcileContext } from '../../lib/controller/reconcile-context.js'
import { watch } from '../../lib/controller/watch.js'
import type { ControllerContext } from '../controller-context.js'
import { isSilent } from '../node-lifecycle/judge-node.js'
import { isComplete } from '../task-end.js'
import { askToEvict } from './ask-to-evict.js'
import { decideEviction, isDoubt, type StandingTaint } from './decide-eviction.js'
import { isOutage } from './outage.js'

export function taintEviction({ nodes, tasks, watchTime }: ControllerContext): Controller {
  /** Watch time at which each taint was first seen, by node and taint. */
  const firstSeen = new Map<string, Map<string, number>>()
  nodes.subscribe({ delete: ({ metadata }) => firstSeen.delete(metadata.name) })

  const standingTaints = (node: Pick<Node, 'metadata' | 'spec'>, outage: boolean): StandingTaint[] => {
    const before = firstSeen.get(node.metadata.name)
    const now = new Map<string, number>()
    const taints = (node.spec.taints ?? []).filter(({ effect }) => effect === 'NoExecute')
    const standing = taints.map((taint) => {
      const key = printTaint(taint)
      const sinceMs = (isDoubt(taint) && outage ? undefined : before?.get(key)) ?? watchTime.countedMs
      now.set(key, sinceMs)
      return { taint, sinceMs: watchTime.countedMs - sinceMs }
    })
    firstSeen.set(node.metadata.name, now)
    return standing
  }

  return controller({
    name: 'taint-eviction',
    for: Node,
    alsoDeleting: true,
    watches: [watch(Task, ({ spec }) => (spec.nodeName ? [{ name: spec.nodeName }] : []))],
    async reconcile(node, ctx) {
      const { name } = node.metadata
      if (!node.spec.taints?.some(({ effect }) => effect === 'NoExecute')) {
        firstSeen.delete(name)
        return undefined
      }
      const all = nodes.lister.list()
      const outage = isOutage(all.filter(isSilent).length, all.length)
      const taints = standingTaints(node, outage)
      let againInMs = outage ? 10_000 : Number.POSITIVE_INFINITY
      for (const task of tasks.lister.by('node', name)) {
        if (isComplete(task) || task.metadata.deletionTimestamp || disruptionOf(task)) continue
        const eviction = decideEviction(task, taints, outage)
        if (eviction.type === 'wait') againInMs = Math.min(againInMs, Math.max(1_000, eviction.leftMs))
        if (eviction.type !== 'evict') continue
        if (!eviction.asks) await evict(task, eviction.message, ctx)
        else if (!(await askToEvict(task, eviction.message, ctx))) againInMs = Math.min(againInMs, askAgainMs)
      }
      return Number.isFinite(againInMs) ? { requeueAfter: `${againInMs}ms` } : undefined
    },
  })
}

const askAgainMs = 5_000

async function evict(task: Task, message: string, ctx: ReconcileContext<typeof Node>): Promise<void> {
  const conditions = withCondition(
    task.status?.conditions,
    { type: disruptionTarget, status: 'True', reason: 'Evicted', message },
    ctx.clock.now(),
  )
  await ctx.commit(Task, task, { ...task, status: { ...task.status, conditions } })
  ctx.event('Warning', 'Evicted', message, task)
}
