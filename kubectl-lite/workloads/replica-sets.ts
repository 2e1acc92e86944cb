import type { Deployment } from '../../lib/api/kinds/deployment.js'
import type { ReplicaSet } from '../../lib/api/kinds/replica-set.js'
import { printLabelSelector } from '../../lib/api/label-selector.js'
import { selectorOf } from '../../lib/api/label-selector-object.js'
import { isSetOf, revisionOf } from '../../lib/api/revisions.js'
import type { Cluster } from '../cluster/cluster.js'
import { listObjects } from '../cluster/objects.js'

/** The ReplicaSets that a Deployment has made, of the lowest revision first. */
export async function replicaSetsOf(cluster: Cluster, { metadata, spec }: Deployment): Promise<ReplicaSet[]> {
  const { items } = await listObjects(cluster.client, await cluster.discovery.findOne('replicasets.apps'), {
    namespace: metadata.namespace,
    labelSelector: printLabelSelector(selectorOf(spec.selector)),
  })
  const own = items.filter((item) => item.metadata.ownerReferences?.some(({ uid, controller }) => controller && uid === metadata.uid))
  return (own as unknown as ReplicaSet[]).toSorted((a, b) => revisionOf(a) - revisionOf(b))
}

/** The set of the Deployment's present template, if it has been made. */
export function presentSet(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return sets.find((set) => isSetOf(set, deployment.spec.template))
}
