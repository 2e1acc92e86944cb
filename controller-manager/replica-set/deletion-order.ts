import type { Task } from '../../lib/api/kinds/task.js'
import { isAvailable, isReady, readySinceMs } from './task-state.js'

/** As Kubernetes names it: lower goes first; 0 unless said. */
const deletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost'

export interface DeletionQuestion {
  readonly minReadySeconds: number
  readonly nowMs: number
  /** How many active replicas of the same owner a node has. */
  readonly onNode: ReadonlyMap<string, number>
}

/**
 * Which of two replicas goes first when there are too many, as Kubernetes orders them: one that is bound to no node, not running, not
 * ready; of lower deletion cost; beside more of its kind on its node; ready for a shorter time; restarted more often; younger. Before its
 * cost counts whether it is available: what a rollout has counted on stays.
 */
export function inDeletionOrder({ minReadySeconds, nowMs, onNode }: DeletionQuestion): (a: Task, b: Task) => number {
  const ranks: readonly ((task: Task) => number)[] = [
    (task) => (task.spec.nodeName ? 1 : 0),
    phaseRank,
    (task) => (isReady(task) ? 1 : 0),
    (task) => (isAvailable(task, minReadySeconds, nowMs) ? 1 : 0),
    deletionCost,
    (task) => -(onNode.get(task.spec.nodeName ?? '') ?? 0),
    (task) => -(readySinceMs(task) ?? 0),
    (task) => -(task.status?.restarts ?? 0),
    (task) => -Date.parse(task.metadata.creationTimestamp),
  ]
  return (a, b) => {
    for (const rank of ranks) {
      const difference = rank(a) - rank(b)
      if (difference !== 0 && !Number.isNaN(difference)) return difference
    }
    // Whoever asks twice gets the same answer.
    return a.metadata.name < b.metadata.name ? -1 : 1
  }
}

function phaseRank({ status }: Task): number {
  if (status?.phase === 'Running' || status?.phase === 'Paused') return 2
  return status?.phase === 'Unknown' ? 1 : 0
}

function deletionCost({ metadata }: Task): number {
  const text = metadata.annotations?.[deletionCostAnnotation] ?? '0'
  return /^-?\d{1,10}$/.test(text) ? Number(text) : 0
}

/** How many of these tasks each node has. */
export function countByNode(tasks: readonly Task[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { spec } of tasks) if (spec.nodeName) counts.set(spec.nodeName, (counts.get(spec.nodeName) ?? 0) + 1)
  return counts
}
