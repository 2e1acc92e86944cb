import type { ReplicaSet } from '../../lib/api/kinds/replica-set.js'
import { desiredReplicasAnnotation, maxReplicasAnnotation } from '../../lib/api/revisions.js'
import type { RolloutStep } from './decide-rollout.js'
import { allSets, availableTasks, isKnown, mostTasks, type Rollout, sum } from './rollout.js'
import { type RolloutBounds, rolloutBounds } from './rollout-bounds.js'

/** Whether the number of replicas has changed since the sets were last sized. */
export function isResized(rollout: Rollout): boolean {
  const { replicas } = rollout.deployment.spec
  return activeSets(rollout).some(({ metadata }) => {
    const desired = metadata.annotations?.[desiredReplicasAnnotation]
    return desired !== undefined && desired !== String(replicas)
  })
}

/**
 * Brings the sets to a new number of replicas without rolling on: in the middle of a rollout each keeps its share, so that a broken
 * template does not get more than it has, and a good one not less. The bounds hold here too.
 */
export function decideScaling(rollout: Rollout): RolloutStep[] {
  const { deployment, newSet, oldSets } = rollout
  const bounds = rolloutBounds(deployment)
  if (!isKnown(allSets(rollout))) return []
  const active = activeSets(rollout)
  const only = active.length === 0 ? (newSet ?? oldSets.at(-1)) : active.length === 1 ? active[0] : undefined
  if (only && !only.metadata.deletionTimestamp) return withinBounds(rollout, bounds, new Map([[only, bounds.replicas]]))
  if (newSet && isSaturated(newSet, bounds.replicas)) {
    const old = active.filter((set) => set !== newSet)
    return withinBounds(rollout, bounds, new Map([[newSet, bounds.replicas], ...old.map((set) => [set, 0] as const)]))
  }
  if (active.length === 0 || deployment.spec.strategy.type === 'Recreate') return []
  return withinBounds(rollout, bounds, proportionalSizes(active, bounds))
}

function activeSets(rollout: Rollout): ReplicaSet[] {
  return allSets(rollout).filter(({ metadata, spec }) => !metadata.deletionTimestamp && spec.replicas > 0)
}

function isSaturated({ metadata, spec, status }: ReplicaSet, replicas: number): boolean {
  const desired = metadata.annotations?.[desiredReplicasAnnotation]
  return spec.replicas === replicas && desired === String(replicas) && status?.availableReplicas === replicas
}

/** Each set's share of the new size; what rounding leaves goes to the largest. */
function proportionalSizes(active: readonly ReplicaSet[], { replicas, maxSurge }: RolloutBounds): Map<ReplicaSet, number> {
  const allowed = replicas === 0 ? 0 : replicas + maxSurge
  const toAdd = allowed - sum(active, ({ spec }) => spec.replicas)
  // Largest first; of equal ones the newest grows first, and the oldest shrinks first.
  const newestFirst = toAdd > 0 ? [...active].reverse() : active
  const ordered = [...newestFirst].sort((a, b) => b.spec.replicas - a.spec.replicas)
  let left = toAdd
  const sizes = new Map<ReplicaSet, number>()
  for (const set of ordered) {
    const share = replicas === 0 ? 0 : Math.round((set.spec.replicas * (replicas + maxSurge)) / sizedFor(set, replicas + maxSurge))
    const wanted = share - set.spec.replicas
    const change = toAdd > 0 ? Math.max(0, Math.min(wanted, left)) : Math.min(0, Math.max(wanted, left))
    sizes.set(set, set.spec.replicas + change)
    left -= change
  }
  const [largest] = ordered
  if (largest) sizes.set(largest, Math.max(0, (sizes.get(largest) ?? 0) + left))
  return sizes
}

/** The most replicas that the Deployment could have when the set got its size. */
function sizedFor({ metadata }: ReplicaSet, otherwise: number): number {
  const most = Number(metadata.annotations?.[maxReplicasAnnotation])
  return Number.isInteger(most) && most > 0 ? most : otherwise
}

/** Takes back what would make too many tasks, or leave too few available. */
function withinBounds(
  rollout: Rollout,
  { replicas, maxSurge, maxUnavailable }: RolloutBounds,
  sizes: Map<ReplicaSet, number>,
): RolloutStep[] {
  const sets = allSets(rollout)
  const sizeOf = (set: ReplicaSet) => sizes.get(set) ?? set.spec.replicas
  let room = Math.max(0, replicas + maxSurge - sum(sets, mostTasks))
  for (const set of [...sets].reverse()) {
    const growth = Math.min(room, Math.max(0, sizeOf(set) - mostTasks(set)))
    if (sizeOf(set) > set.spec.replicas) sizes.set(set, Math.min(sizeOf(set), Math.max(set.spec.replicas, mostTasks(set) + growth)))
    room -= growth
  }
  const before = sum(sets, (set) => availableTasks(set))
  let lacking = Math.min(before, replicas - maxUnavailable) - sum(sets, (set) => availableTasks(set, sizeOf(set)))
  for (const set of [...sets].reverse()) {
    const back = Math.min(Math.max(0, lacking), availableTasks(set) - availableTasks(set, sizeOf(set)))
    if (back > 0) sizes.set(set, sizeOf(set) + back)
    lacking -= back
  }
  return [...sizes].map(([set, size]) => ({ type: 'scale', set, replicas: size }))
}
