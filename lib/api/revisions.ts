/** How Deployments and their ReplicaSets tell of revisions. The names are Kubernetes' own: kubectl reads and writes them. */
import { sameValue } from './json/same-value.js'
import type { Deployment } from './kinds/deployment.js'
import type { ReplicaSet } from './kinds/replica-set.js'
import type { PodTemplate } from './pod-template/pod-template.js'

/** The number of a ReplicaSet's revision. */
export const revisionAnnotation = 'deployment.kubernetes.io/revision'
/** Earlier revisions of a set that was rolled back to, as `1,4`. */
export const revisionHistoryAnnotation = 'deployment.kubernetes.io/revision-history'
export const desiredReplicasAnnotation = 'deployment.kubernetes.io/desired-replicas'
export const maxReplicasAnnotation = 'deployment.kubernetes.io/max-replicas'
/** Why a revision was made, in somebody's words. */
export const changeCauseAnnotation = 'kubernetes.io/change-cause'
/** In a template: when it was started anew. */
export const restartedAtAnnotation = 'kubectl.kubernetes.io/restartedAt'
export const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration'
/** The label by which the Tasks of one template are told from those of another. */
export const templateHashLabel = 'pod-template-hash'

/** The number of a set's revision; 0 when it has none. */
export function revisionOf({ metadata }: Pick<ReplicaSet | Deployment, 'metadata'>): number {
  const revision = Number(metadata.annotations?.[revisionAnnotation])
  return Number.isSafeInteger(revision) && revision > 0 ? revision : 0
}

/** The same template with the label that names it, or without. */
export function withTemplateHash(template: PodTemplate, hash: string | undefined): PodTemplate {
  const { [templateHashLabel]: _before, ...labels } = template.metadata?.labels ?? {}
  return { ...template, metadata: { ...template.metadata, labels: hash === undefined ? labels : { ...labels, [templateHashLabel]: hash } } }
}

/** Whether the set was made for this template. */
export function isSetOf({ spec }: Pick<ReplicaSet, 'spec'>, template: PodTemplate): boolean {
  return sameValue(withTemplateHash(spec.template, undefined), withTemplateHash(template, undefined))
}
