/**
 * Finds silent nodes: a node whose agent does not renew its Lease for 40 s, or the shorter time that the Lease names,
 * becomes Ready=Unknown, and is tainted so that nothing new comes and what runs is judged by its tolerations
 * (taint-eviction). The agent alone makes it Ready again. One rule: only time counts during which this process has seen
 * everything, so that its own troubles are never taken for a node's.
 */
import { findCondition } from '../../lib/api/condition.js'
import { nodeLeaseNamespace } from '../../lib/api/kinds/lease.js'
import { Node } from '../../lib/api/kinds/node.js'
import { type Controller, controller } from '../../lib/controller/controller.js'
import type { ControllerContext } from '../controller-context.js'
import { judgeNode } from './judge-node.js'
import { Silence } from './silence.js'

export function nodeLifecycle({ nodes, leases, watchTime }: ControllerContext): Controller {
  const silence = new Silence(watchTime)
  nodes.subscribe({ add: ({ metadata }) => silence.saw(metadata.name), delete: ({ metadata }) => silence.forget(metadata.name) })
  leases.subscribe({
    add: (lease) => lease.metadata.namespace === nodeLeaseNamespace && silence.saw(lease.metadata.name, lease),
    update: (lease) => lease.metadata.namespace === nodeLeaseNamespace && silence.saw(lease.metadata.name, lease),
  })
  return controller({
    name: 'node-lifecycle',
    for: Node,
    alsoDeleting: true,
    async reconcile(node, ctx) {
      const silentMs = silence.of(node.metadata.name)
      const limitMs = silence.limitOf(node.metadata.name)
      const judged = judgeNode(node, silentMs, ctx.clock.now(), limitMs)
      if (judged !== node) {
        await ctx.commit(Node, node, judged)
        const [before, after] = [findCondition(node, 'Ready')?.status, findCondition(judged, 'Ready')?.status]
        if (before !== after)
          ctx.event('Warning', 'NodeNotReady', `Ready is ${after}: the agent has not renewed its Lease for ${limitMs / 1000} s`)
      }
      return { requeueAfter: `${Math.max(1_000, limitMs - silentMs)}ms` }
    },
  })
}
