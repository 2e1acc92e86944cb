import { findCondition } from '../../lib/api/condition.js'
import type { Task } from '../../lib/api/kinds/task.js'
import { nodeCleanupFinalizer } from '../../lib/api/kinds/workload.js'
import type { NodeFate } from '../node-fate/node-fates.js'
import { isComplete, willRunAgain } from '../task-end.js'

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
 * What becomes of an attempt, seen from its node's fate. A second attempt begins only when the
 * first has surely ended: its agent said so, or its node is lost.
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
