import type { KubeObject } from '../../lib/api/define-kind.js'
import { sameValue } from '../../lib/api/json/same-value.js'
import type { Deployment } from '../../lib/api/kinds/deployment.js'
import type { ReplicaSet } from '../../lib/api/kinds/replica-set.js'
import { printLabelSelector } from '../../lib/api/label-selector.js'
import { selectorOf } from '../../lib/api/label-selector-object.js'
import type { PodTemplate } from '../../lib/api/pod-template/pod-template.js'
import { revisionAnnotation, templateHashLabel } from '../../lib/api/rollout-names.js'
import type { Cluster } from '../cluster/cluster.js'
import { listObjects } from '../cluster/objects.js'

type Selecting = Pick<Deployment, 'metadata'> & { readonly spec: Pick<Deployment['spec'], 'selector'> }

/** The ReplicaSets that a Deployment has made, of the lowest revision first. */
export async function replicaSetsOf(cluster: Cluster, deployment: Selecting): Promise<ReplicaSet[]> {
  const sets = (await owned(cluster, 'replicasets.apps', deployment)) as unknown as ReplicaSet[]
  return sets.toSorted((a, b) => revisionOf(a) - revisionOf(b))
}

/** The objects of a resource that the selector matches and that this object controls. */
export async function owned(cluster: Cluster, resource: string, { metadata, spec }: Selecting): Promise<KubeObject[]> {
  const labelSelector = printLabelSelector(selectorOf(spec.selector))
  const { items } = await listObjects(cluster.client, await cluster.discovery.findOne(resource), {
    namespace: metadata.namespace,
    labelSelector,
  })
  return items.filter((item) => item.metadata.ownerReferences?.some(({ uid, controller }) => controller && uid === metadata.uid))
}

/** 0 when it has none. */
export function revisionOf({ metadata }: Pick<ReplicaSet, 'metadata'>): number {
  return Number(metadata.annotations?.[revisionAnnotation] ?? 0) || 0
}

/** The template as the Deployment had it, without what tells its Tasks from others. */
export function templateOf({ spec }: Pick<ReplicaSet, 'spec'>): PodTemplate {
  const { [templateHashLabel]: _hash, ...labels } = spec.template.metadata.labels ?? {}
  return { ...spec.template, metadata: { ...spec.template.metadata, labels } }
}

/** The set of the Deployment's present template, if it has been made. */
export function presentSet(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return sets.find((set) => sameValue(templateOf(set), deployment.spec.template))
}
