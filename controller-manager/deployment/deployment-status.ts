import type { Deployment } from '../../lib/api/kinds/deployment.js'
import { allSets, type Rollout, sum } from './rollout.js'
import { rolloutBounds } from './rollout-bounds.js'

/** The numbers of a Deployment's status, from those of its sets. */
export interface DeploymentCounts {
  readonly observedGeneration: number
  readonly replicas: number
  readonly updatedReplicas: number
  readonly readyReplicas: number
  readonly availableReplicas: number
  readonly unavailableReplicas: number
}

export function countDeployment(rollout: Rollout): DeploymentCounts {
  const { deployment, newSet } = rollout
  const sets = allSets(rollout)
  const replicas = sum(sets, ({ status }) => status?.replicas ?? 0)
  const availableReplicas = sum(sets, ({ status }) => status?.availableReplicas ?? 0)
  return {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas,
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas: sum(sets, ({ status }) => status?.readyReplicas ?? 0),
    availableReplicas,
    unavailableReplicas: Math.max(0, replicas - availableReplicas),
  }
}

/** Whether every replica is of the present template and available, and nothing else is there. */
export function isComplete({ spec, metadata }: Deployment, counts: DeploymentCounts): boolean {
  const { replicas, updatedReplicas, availableReplicas, observedGeneration } = counts
  return (
    [replicas, updatedReplicas, availableReplicas].every((count) => count === spec.replicas) &&
    observedGeneration >= (metadata.generation ?? 0)
  )
}

export function hasMinimum(deployment: Deployment, { availableReplicas }: DeploymentCounts): boolean {
  const { replicas, maxUnavailable } = rolloutBounds(deployment)
  // A Deployment that recreates counts as served only when all are.
  const mayLack = deployment.spec.strategy.type === 'Recreate' ? 0 : maxUnavailable
  return availableReplicas >= replicas - mayLack
}
