/**
 * What a PodDisruptionBudget's numbers mean, for the controller that counts and for the
 * server that spends: they say the same about the same status.
 */
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from './kinds/pod-disruption-budget.js'
import { matchesLabels } from './label-selector.js'
import { selectorOf } from './label-selector-object.js'

/** Whether the budget is about an object with these labels: an absent selector selects nothing, an empty one everything. */
export function coversLabels({ spec }: Pick<PodDisruptionBudget, 'spec'>, labels: Readonly<Record<string, string>> = {}): boolean {
  return spec.selector !== undefined && matchesLabels(selectorOf(spec.selector), labels)
}

/** The condition DisruptionAllowed that follows from the numbers. */
export function disruptionAllowed({
  disruptionsAllowed = 0,
  currentHealthy = 0,
  desiredHealthy = 0,
  expectedPods = 0,
}: PodDisruptionBudgetStatus) {
  const allowed = disruptionsAllowed > 0
  const message =
    expectedPods === 0
      ? 'there is nothing that it selects'
      : `${currentHealthy} of ${expectedPods} are healthy and ${desiredHealthy} must be: ${allowed ? disruptionsAllowed : 'none'} may be evicted`
  return {
    type: 'DisruptionAllowed',
    status: allowed ? 'True' : 'False',
    reason: allowed ? 'SufficientPods' : 'InsufficientPods',
    message,
  } as const
}
