import type { Task } from '../../lib/api/kinds/task.js'
import { endedAtMs, willRunAgain } from '../task-end.js'

/** When the task is to be deleted, wall clock in milliseconds; undefined: not, as it stands. */
export function deleteAtMs(task: Pick<Task, 'spec' | 'status' | 'metadata'>): number | undefined {
  const { ttlSecondsAfterFinished } = task.spec
  const ended = endedAtMs(task)
  if (ttlSecondsAfterFinished === undefined || ended === undefined || task.metadata.deletionTimestamp || willRunAgain(task))
    return undefined
  return ended + ttlSecondsAfterFinished * 1000
}
