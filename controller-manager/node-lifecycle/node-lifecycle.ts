/**
 * Finds silent nodes: a node whose agent does not renew its Lease for 40 s becomes Ready=Unknown, and is tainted so that nothing new comes and what
 * runs is judged by its tolerations (taint-eviction). The agent alone makes it Ready again. One rule: only time counts during which this process has
 * seen everything, so that its own troubles are never taken for a node's.
 */
import { findCondition } from '../../lib/api/condition.js'
import { nodeLeaseNamespace } from '../../lib/api/kinds/lease.js'
import { Node } from '../../lib/api/kinds/node.js'
import { runController } from '../../lib/controller/run-controller.js'
import { onChange } from '../../lib/controller/trigger.js'
import type { ControllerContext } from '../controller-context.js'
import { keepBeating } from './beat.js'
import { judgeNode, silentAfterMs } from './judge-node.js'
import { Silence } from './silence.js'

export async function runNodeLifecycle(context: ControllerContext, signal: AbortSignal): Promise<void> {
  const { client, clock, log, events, nodes, leases, watchTime, identity } = context
  const silence = new Silence(watchTime)
  const forgetGone = [
    nodes.subscribe({ add: ({ metadata }) => silence.saw(metadata.name), delete: ({ metadata }) => silence.forget(metadata.name) }),
    leases.subscribe({
      add: (lease) => lease.metadata.namespace === nodeLeaseNamespace && silence.saw(lease.metadata.name, lease),
      update: (lease) => lease.metadata.namespace === nodeLeaseNamespace && silence.saw(lease.metadata.name, lease),
    }),
  ]
  const controlling = runController(
    {
      name: 'node-lifecycle',
      client,
      clock,
      log,
      events,
      informers: [nodes, leases],
      triggers: [onChange(nodes, (node) => [node.metadata.name])],
      async reconcile(name, ctx) {
        const node = nodes.lister.get(name)
        if (!node) return undefined
        const silentMs = silence.of(name)
        const judged = judgeNode(node, silentMs, clock.now())
        if (judged !== node) {
          await ctx.commit(Node, node, judged)
          const [before, after] = [findCondition(node, 'Ready')?.status, findCondition(judged, 'Ready')?.status]
          if (before !== after)
            ctx.events.record(
              node,
              'Warning',
              'NodeNotReady',
              `Ready is ${after}: the agent has not renewed its Lease for ${silentAfterMs / 1000} s`,
            )
        }
        return { requeueAfterMs: Math.max(1_000, silentAfterMs - silentMs) }
      },
    },
    signal,
  )
  await Promise.all([controlling, keepBeating({ client, clock, log, leases, watchTime, identity }, signal)])
  for (const stop of forgetGone) stop()
}
