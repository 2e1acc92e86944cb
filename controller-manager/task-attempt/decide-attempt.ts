import { findCondition } from '../../lib/api/condition.js'
import type { Task } from '../../lib/api/kinds/task.js'
import { nodeCleanupFinalizer } from '../../lib/api/kinds/workload.js'
import { isComplete, willRunAgain } from '../task-end.js'

/**
 * What is known of the task's node: `well`; `silent`: its agent does not report, and may be running the task; `lost`: the Node object is gone, or somebody
 * vouches with the taint out-of-service that the machine is off. Of a lost node nothing runs any more, and no agent cleans up.
 */
export type NodeFate = 'well' | 'silent' | 'lost'

export type AttemptStep =
  | { readonly type: 'none' }
  /** Nobody knows how it is: Running becomes Unknown. */
  | { readonly type: 'markUnknown' }
  /** Complete becomes True with reason NodeLost. */
  | { readonly type: 'markLost' }
  /** The binding is cleared, and with it the next attempt begins. */
  | { readonly type: 'unbind' }
  /** The agent that would remove its finalizer is no more. */
  | { readonly type: 'releaseFinalizer' }

/**
 * What becomes of an attempt, seen from its node's fate. A second attempt begins only when the first has surely ended: its agent said so, or its node is
 * lost.
 */
export function decideAttempt(task: Task, fate: NodeFate): AttemptStep {
  if (!task.spec.nodeName) return { type: 'none' }
  const held = task.metadata.finalizers?.includes(nodeCleanupFinalizer) ?? false
  if (willRunAgain(task)) return { type: 'unbind' }
  if (fate === 'lost') {
    if (task.metadata.deletionTimestamp || isComplete(task)) return { type: held ? 'releaseFinalizer' : 'none' }
    return { type: task.spec.onNodeLost === 'Reschedule' ? 'unbind' : 'markLost' }
  }
  if (fate === 'silent' && !isComplete(task) && findCondition(task, 'Running')?.status !== 'Unknown') return { type: 'markUnknown' }
  return { type: 'none' }
}
