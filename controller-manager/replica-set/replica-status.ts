import type { ReplicaSet } from '../../lib/api/kinds/replica-set.js'
import type { Task } from '../../lib/api/kinds/task.js'
import { availableAtMs, isActive, isAvailable, isReady } from './task-state.js'

export interface ReplicaCounts {
  readonly replicas: number
  readonly fullyLabeledReplicas: number
  readonly readyReplicas: number
  readonly availableReplicas: number
}

/** What a set's status says of these tasks. */
export function countReplicas({ spec }: Pick<ReplicaSet, 'spec'>, tasks: readonly Task[], nowMs: number): ReplicaCounts {
  const active = tasks.filter(isActive)
  const wanted = Object.entries(spec.template.metadata?.labels ?? {})
  return {
    replicas: active.length,
    fullyLabeledReplicas: active.filter(({ metadata }) => wanted.every(([key, value]) => metadata.labels?.[key] === value)).length,
    readyReplicas: active.filter(isReady).length,
    availableReplicas: active.filter((task) => isAvailable(task, spec.minReadySeconds, nowMs)).length,
  }
}

/** When the next replica that is ready becomes available, from now; undefined when none will by waiting alone. */
export function nextAvailableInMs({ spec }: Pick<ReplicaSet, 'spec'>, tasks: readonly Task[], nowMs: number): number | undefined {
  const waits = tasks
    .map((task) => (availableAtMs(task, spec.minReadySeconds) ?? 0) - nowMs)
    .filter((leftMs) => leftMs > 0 && leftMs < Infinity)
  return waits.length > 0 ? Math.min(...waits) : undefined
}
