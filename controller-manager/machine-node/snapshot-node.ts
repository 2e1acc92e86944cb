/** VpsSnapshots whose node is lost: nobody else would release them, or say that they are gone. */
import { Node } from '../../lib/api/kinds/node.js'
import { VpsSnapshot } from '../../lib/api/kinds/vps-snapshot.js'
import { nodeCleanupFinalizer } from '../../lib/api/kinds/workload.js'
import { type Controller, controller } from '../../lib/controller/controller.js'
import { watch } from '../../lib/controller/watch.js'
import type { ControllerContext } from '../controller-context.js'
import { NodeFates } from '../node-fate/node-fates.js'

export function snapshotNode(context: ControllerContext): Controller {
  const { snapshots } = context
  const fates = new NodeFates(context)
  return controller({
    name: 'snapshot-node',
    for: VpsSnapshot,
    alsoDeleting: true,
    watches: [watch(Node, ({ metadata }) => snapshots.lister.by('node', metadata.name).map((snapshot) => snapshot.metadata))],
    async reconcile(snapshot, ctx) {
      const { nodeName = '' } = snapshot.spec
      const fate = await fates.of(nodeName, ctx.client)
      if (fate === 'absent') return { requeueAfter: '5s' }
      if (fate !== 'lost') return undefined
      const { metadata, status } = snapshot
      if (metadata.deletionTimestamp) {
        const finalizers = metadata.finalizers?.filter((finalizer) => finalizer !== nodeCleanupFinalizer)
        await ctx.commit(VpsSnapshot, snapshot, { ...snapshot, metadata: { ...metadata, finalizers } })
      } else if (status.phase !== 'Failed') {
        status.phase = 'Failed'
        ctx.condition('Ready', false, 'NodeLost', `node ${nodeName} was lost, and the snapshot with it`)
      }
      return undefined
    },
  })
}
