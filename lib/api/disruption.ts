/**
 * How the controller-manager asks for the end of an attempt: it sets the condition DisruptionTarget, the agent ends what runs (politely,
 * within the grace period), and reports the end with Complete=True and the same reason. Until then the workload holds what it was promised.
 */
import { findCondition } from './condition.js'

export const disruptionTarget = 'DisruptionTarget'

/** Reasons of DisruptionTarget, and then of Complete. */
export const disruptionReasons = ['Evicted', 'DeadlineExceeded'] as const
export type DisruptionReason = (typeof disruptionReasons)[number]

/** Whether and why the attempt shall end. */
export function disruptionOf(object: { status?: unknown }): { readonly reason: DisruptionReason; readonly message: string } | undefined {
  const condition = findCondition(object, disruptionTarget)
  const reason = disruptionReasons.find((known) => known === condition?.reason)
  return condition?.status === 'True' && reason ? { reason, message: condition.message ?? '' } : undefined
}
