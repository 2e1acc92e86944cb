import type { Deployment } from '../../lib/api/kinds/deployment.js'
import type { ReplicaSet } from '../../lib/api/kinds/replica-set.js'
import { isSetOf } from '../../lib/api/revisions.js'
import type { Rollout } from './rollout.js'

/** Sorts a Deployment's sets: the oldest one with its present template is the new set, whatever it is called. */
export function rolloutOf(deployment: Deployment, sets: readonly ReplicaSet[]): Rollout {
  const oldestFirst = [...sets].sort(byAge)
  const newSet = oldestFirst.find((set) => isSetOf(set, deployment.spec.template))
  return { deployment, newSet, oldSets: oldestFirst.filter((set) => set !== newSet) }
}

function byAge({ metadata: a }: ReplicaSet, { metadata: b }: ReplicaSet): number {
  return Date.parse(a.creationTimestamp) - Date.parse(b.creationTimestamp) || (a.name < b.name ? -1 : 1)
}
