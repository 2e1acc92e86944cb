import type { ReplicaSet } from '../../lib/api/kinds/replica-set.js'
import { allSets, availableTasks, isKnown, mostTasks, type Rollout, sum } from './rollout.js'
import { type RolloutBounds, rolloutBounds } from './rollout-bounds.js'

export type RolloutStep =
  /** The set of the present template is made. */
  { readonly type: 'create'; readonly replicas: number } | { readonly type: 'scale'; readonly set: ReplicaSet; readonly replicas: number }

/**
 * The next steps of a rolling update: first the new set grows, as far as the surge goes; then the old ones shrink, as far as what is
 * available allows, what is not available first. No step is taken before every set has answered the last one, so that at no instant there
 * are more tasks, or fewer available ones, than the bounds say.
 */
export function decideRollingUpdate(rollout: Rollout): RolloutStep[] {
  const { deployment, newSet } = rollout
  const sets = allSets(rollout)
  if (newSet?.metadata.deletionTimestamp || !isKnown(sets)) return []
  const bounds = rolloutBounds(deployment)
  const room = Math.max(0, bounds.replicas + bounds.maxSurge - sum(sets, mostTasks))
  if (!newSet) return [{ type: 'create', replicas: Math.min(bounds.replicas, room) }]
  const { replicas } = newSet.spec
  if (replicas > bounds.replicas) return [{ type: 'scale', set: newSet, replicas: bounds.replicas }]
  const grown = Math.min(bounds.replicas, replicas + room)
  if (grown > replicas) return [{ type: 'scale', set: newSet, replicas: grown }]
  return shrinkOldSets(rollout, newSet, bounds)
}

function shrinkOldSets(rollout: Rollout, newSet: ReplicaSet, { replicas, maxUnavailable }: RolloutBounds): RolloutStep[] {
  const oldSets = rollout.oldSets.filter(({ metadata, spec }) => !metadata.deletionTimestamp && spec.replicas > 0)
  const leastAvailable = replicas - maxUnavailable
  const wanted = sum(oldSets, ({ spec }) => spec.replicas) + newSet.spec.replicas
  const newMissing = newSet.spec.replicas - availableTasks(newSet)
  const most = wanted - leastAvailable - newMissing
  if (most <= 0) return []
  const sizes = new Map(oldSets.map((set) => [set, set.spec.replicas]))
  const shrink = (set: ReplicaSet, by: number) => void sizes.set(set, (sizes.get(set) ?? 0) - by)

  let unhealthy = most
  for (const set of oldSets) {
    const by = Math.min(unhealthy, set.spec.replicas - availableTasks(set))
    shrink(set, by)
    unhealthy -= by
  }
  let spare = sum(allSets(rollout), (set) => availableTasks(set)) - leastAvailable
  for (const set of oldSets) {
    if (spare <= 0) break
    // What is left of its tasks that are not available goes first, and costs nothing.
    const by = Math.min(spare, sizes.get(set) ?? 0)
    spare -= by
    shrink(set, by)
  }
  return oldSets.flatMap((set): RolloutStep[] => {
    const size = sizes.get(set) ?? 0
    return size === set.spec.replicas ? [] : [{ type: 'scale', set, replicas: size }]
  })
}

/** The next steps where old and new tasks may not be there together: nothing new is made while anything old may run. */
export function decideRecreate(rollout: Rollout, isOldGone: boolean): RolloutStep[] {
  const { deployment, newSet, oldSets } = rollout
  const { replicas } = deployment.spec
  const living = oldSets.filter(({ metadata, spec }) => !metadata.deletionTimestamp && spec.replicas > 0)
  if (living.length > 0) return living.map((set) => ({ type: 'scale', set, replicas: 0 }))
  if (!isOldGone || newSet?.metadata.deletionTimestamp || !isKnown(oldSets) || sum(oldSets, mostTasks) > 0) return []
  if (!newSet) return [{ type: 'create', replicas }]
  return newSet.spec.replicas === replicas ? [] : [{ type: 'scale', set: newSet, replicas }]
}
