import { disruptionOf } from '../../lib/api/disruption.js'
import type { Task } from '../../lib/api/kinds/task.js'
import { isComplete } from '../task-end.js'

/** The agent ends its tasks at their deadline by itself; after this much longer it is reminded. */
const slackMs = 15_000

/**
 * When the agent is to be asked for the end, wall clock in milliseconds; undefined:
 * not, as it stands. A task that never started has no deadline.
 */
export function askAtMs(task: Pick<Task, 'spec' | 'status' | 'metadata'>): number | undefined {
  const { activeDeadlineSeconds, nodeName, terminationGracePeriodSeconds } = task.spec
  const startedAt = Date.parse(task.status?.startedAt ?? '')
  if (activeDeadlineSeconds === undefined || !nodeName || Number.isNaN(startedAt)) return undefined
  if (isComplete(task) || task.metadata.deletionTimestamp || disruptionOf(task)) return undefined
  return startedAt + (activeDeadlineSeconds + terminationGracePeriodSeconds) * 1000 + slackMs
}
