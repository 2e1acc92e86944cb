/** The Vpses of a node that is drained: they are stopped and stay, for a disk has one place. */
import type { KubeObject } from '../../../lib/api/define-kind.js'
import type { VpsSpec, VpsStatus } from '../../../lib/api/kinds/vps.js'
import { drainTaint, tolerates } from '../../../lib/api/taint-toleration.js'
import type { Cluster } from '../../cluster/cluster.js'
import { followObject } from '../../cluster/follow-object.js'
import { listObjects, patchObject } from '../../cluster/objects.js'

const find = (cluster: Cluster) => cluster.discovery.findOne('vpses.millrace.dev')

/** Those that run or are to; without `all`, not those that tolerate a drain. */
export async function findMachines(cluster: Cluster, node: string, all: boolean): Promise<KubeObject[]> {
  const { items } = await listObjects(cluster.client, await find(cluster), { fieldSelector: `spec.nodeName=${node}` })
  return items.filter((vps) => !hasStopped(vps) && (all || !(vps.spec as VpsSpec).tolerations?.some((one) => tolerates(one, drainTaint))))
}

/** Where no controller shall do it. */
export async function stopMachine(cluster: Cluster, { metadata }: KubeObject): Promise<void> {
  await patchObject(cluster.client, await find(cluster), metadata, 'merge', { spec: { running: false } }, { fieldManager: 'kubectl-drain' })
}

/** Resolves when it has stopped, or is gone. */
export async function awaitStop(cluster: Cluster, vps: KubeObject, signal: AbortSignal): Promise<void> {
  const target = { resource: await find(cluster), namespace: vps.metadata.namespace, name: vps.metadata.name }
  await followObject(cluster, target, (now) => now === undefined || now.metadata.uid !== vps.metadata.uid || hasStopped(now), signal)
}

function hasStopped({ spec, status }: KubeObject): boolean {
  const phase = (status as VpsStatus | undefined)?.phase
  return !(spec as VpsSpec).running && (phase === 'Stopped' || phase === 'Failed')
}
