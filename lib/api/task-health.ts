import { isConditionTrue } from './condition.js'
import { disruptionOf } from './disruption.js'
import type { Task } from './kinds/task.js'
import { taskPhase } from './task-phase.js'

/** Whether the task runs, is ready, and nothing asks for its end: whether others may count on it. */
export function isHealthy({ metadata, status }: Pick<Task, 'metadata' | 'status'>): boolean {
  if (metadata.deletionTimestamp || !isConditionTrue({ status }, 'Ready')) return false
  // Of a node that fell silent, Ready is what its agent said last.
  return taskPhase(status?.conditions) === 'Running' && disruptionOf({ status }) === undefined
}
