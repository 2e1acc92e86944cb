import { findCondition, isConditionTrue } from '../lib/api/condition.js'
import type { Task } from '../lib/api/kinds/task.js'

export const isComplete = (task: Pick<Task, 'status'>): boolean => isConditionTrue(task, 'Complete')

/** Ends after which onNodeLost decides whether another attempt follows. */
const repeatableEnds = ['Evicted', 'NodeLost']

/** Whether this end is not the task's last: another attempt follows. */
export function willRunAgain(task: Pick<Task, 'status' | 'spec' | 'metadata'>): boolean {
  if (task.spec.onNodeLost !== 'Reschedule' || task.metadata.deletionTimestamp) return false
  const complete = findCondition(task, 'Complete')
  return complete?.status === 'True' && repeatableEnds.includes(complete.reason ?? '')
}

/** Whether the task is over for good: no other attempt follows. */
export const hasEnded = (task: Pick<Task, 'status' | 'spec' | 'metadata'>): boolean => isComplete(task) && !willRunAgain(task)

/** When the task ended, wall clock in milliseconds; undefined while it has not. */
export function endedAtMs(task: Pick<Task, 'status'>): number | undefined {
  const complete = findCondition(task, 'Complete')
  if (complete?.status !== 'True') return undefined
  const time = Date.parse(task.status?.finishedAt ?? complete.lastTransitionTime ?? '')
  return Number.isNaN(time) ? undefined : time
}
