/**
 * Vpses whose node fell silent, was lost, or is being emptied: shows them as Unknown or Failed, releases those that are being deleted, and
 * stops those of a drained node. None is ever moved: a disk has one place.
 */
import { Node } from '../../lib/api/kinds/node.js'
import { Vps } from '../../lib/api/kinds/vps.js'
import { nodeCleanupFinalizer } from '../../lib/api/kinds/workload.js'
import { vpsPhase } from '../../lib/api/vps-phase.js'
import { type Controller, controller } from '../../lib/controller/controller.js'
import type { Draft, ReconcileContext } from '../../lib/controller/reconcile-context.js'
import { watch } from '../../lib/controller/watch.js'
import type { ControllerContext } from '../controller-context.js'
import { NodeFates } from '../node-fate/node-fates.js'
import { decideMachine, type MachineStep } from './decide-machine.js'

export function machineNode(context: ControllerContext): Controller {
  const { nodes, vpses } = context
  const fates = new NodeFates(context)
  return controller({
    name: 'machine-node',
    for: Vps,
    alsoDeleting: true,
    when: ({ spec }) => spec.nodeName !== undefined && spec.nodeName !== '',
    watches: [watch(Node, ({ metadata }) => vpses.lister.by('node', metadata.name).map((vps) => vps.metadata))],
    async reconcile(vps, ctx) {
      const { nodeName = '' } = vps.spec
      const fate = await fates.of(nodeName, ctx.client)
      if (fate === 'absent') return { requeueAfter: '5s' }
      await take(decideMachine(vps, fate, nodes.lister.get(nodeName)?.spec.taints ?? []), vps, ctx)
      return undefined
    },
  })
}

/** Every write is guarded by the revision that was looked at. */
async function take(step: MachineStep, vps: Draft<typeof Vps>, ctx: ReconcileContext<typeof Vps>): Promise<void> {
  const { nodeName } = vps.spec
  switch (step.type) {
    case 'none':
      return
    case 'markUnknown':
      ctx.condition('Running', 'Unknown', 'NodeUnreachable', `node ${nodeName} does not report`)
      vps.status.phase = vpsPhase(vps.status.conditions)
      return
    case 'markLost': {
      const message = `node ${nodeName} was lost, and its disk with it: delete it, and make another from a snapshot on another node`
      ctx.condition('Running', false, 'Failed', message)
      vps.status.phase = vpsPhase(vps.status.conditions)
      ctx.event('Warning', 'NodeLost', message)
      return
    }
    case 'releaseFinalizer': {
      const finalizers = vps.metadata.finalizers?.filter((finalizer) => finalizer !== nodeCleanupFinalizer)
      await ctx.commit(Vps, vps, { ...vps, metadata: { ...vps.metadata, finalizers } })
      return
    }
    case 'stop':
      await ctx.commit(Vps, vps, { ...vps, spec: { ...vps.spec, running: false } })
      ctx.event('Warning', 'Evicted', `stopped: node ${nodeName} is being emptied`)
  }
}
