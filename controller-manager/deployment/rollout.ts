import type { Deployment } from '../../lib/api/kinds/deployment.js'
import type { ReplicaSet } from '../../lib/api/kinds/replica-set.js'

/** A Deployment and its ReplicaSets: what every decision about it looks at. */
export interface Rollout {
  readonly deployment: Deployment
  /** The set whose template is the Deployment's, once there is one. */
  readonly newSet: ReplicaSet | undefined
  /** The others, oldest first. */
  readonly oldSets: readonly ReplicaSet[]
}

/** All sets, the new one last. */
export function allSets({ newSet, oldSets }: Rollout): readonly ReplicaSet[] {
  return newSet ? [...oldSets, newSet] : oldSets
}

/**
 * Whether the status of each set speaks of its present spec. A set that has been told to shrink may not have done so yet, and one that was
 * told to grow and then to shrink may have more tasks than either number: nothing is built on a status that does not know.
 */
export function isKnown(sets: readonly ReplicaSet[]): boolean {
  return sets.every(({ metadata, status }) => metadata.deletionTimestamp || status?.observedGeneration === metadata.generation)
}

/** The most tasks that a known set has, or will have without a further word. */
export function mostTasks({ spec, status, metadata }: ReplicaSet): number {
  return Math.max(metadata.deletionTimestamp ? 0 : spec.replicas, status?.replicas ?? 0)
}

/** The tasks of a known set that are available, and stay so when the set is given `replicas`: those that are not go first. */
export function availableTasks({ spec, status, metadata }: ReplicaSet, replicas: number = spec.replicas): number {
  return metadata.deletionTimestamp ? 0 : Math.min(status?.availableReplicas ?? 0, replicas)
}

export function sum<T>(items: readonly T[], amountOf: (item: T) => number): number {
  return items.reduce((total, item) => total + amountOf(item), 0)
}
