import { findCondition, isConditionTrue } from '../../lib/api/condition.js'
import { disruptionOf } from '../../lib/api/disruption.js'
import type { Task } from '../../lib/api/kinds/task.js'
import { isComplete } from '../task-end.js'

/**
 * Whether the task counts as a replica: it is there, and nobody has asked for its deletion or its end, as an eviction does. One that is to
 * go counts no more though it may still run: its replacement need not wait.
 */
export function isActive(task: Task): boolean {
  return !task.metadata.deletionTimestamp && !isComplete(task) && !disruptionOf(task)
}

/** Whether it goes, or has ended, because of its node and not by itself. */
export function isTakenAway(task: Task): boolean {
  const reason = isComplete(task) ? findCondition(task, 'Complete')?.reason : disruptionOf(task)?.reason
  return reason === 'Evicted' || reason === 'NodeLost'
}

/** Whether the task does its work: an active one that runs on a node, which reports that it is ready. */
export function isReady(task: Task): boolean {
  return isActive(task) && task.spec.nodeName !== undefined && isConditionTrue(task, 'Running') && isConditionTrue(task, 'Ready')
}

/** Since when the task has been ready, wall clock in milliseconds; undefined while it is not. */
export function readySinceMs(task: Task): number | undefined {
  if (!isReady(task)) return undefined
  const sinceMs = Date.parse(findCondition(task, 'Ready')?.lastTransitionTime ?? '')
  return Number.isNaN(sinceMs) ? undefined : sinceMs
}

/** When the task will have been ready for so long, if it stays ready; undefined while it is not ready. */
export function availableAtMs(task: Task, minReadySeconds: number): number | undefined {
  if (!isReady(task)) return undefined
  return minReadySeconds === 0 ? 0 : (readySinceMs(task) ?? Number.POSITIVE_INFINITY) + minReadySeconds * 1000
}

/** Whether the task has been ready for long enough. */
export function isAvailable(task: Task, minReadySeconds: number, nowMs: number): boolean {
  const atMs = availableAtMs(task, minReadySeconds)
  return atMs !== undefined && atMs <= nowMs
}
