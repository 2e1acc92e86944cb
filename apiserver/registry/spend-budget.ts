import { disruptionRefused, forbidden, internalError } from '../../lib/api/api-error.js'
import { findCondition, isConditionTrue, withCondition } from '../../lib/api/condition.js'
import { coversLabels, disruptionAllowed } from '../../lib/api/disruption-budget.js'
import { PodDisruptionBudget } from '../../lib/api/kinds/pod-disruption-budget.js'
import type { Task } from '../../lib/api/kinds/task.js'
import { isHealthy } from '../../lib/api/task-health.js'
import { hasBegun } from '../../lib/api/task-phase.js'
import { timestamp } from '../../lib/base/clock.js'
import type { ReadView, StoredObject } from '../storage/store.js'

/** Evictions that the controller has not confirmed; with more than this, it is not there. */
const maxDisrupted = 2000
/** The controller counts within moments of a change. */
const countingSeconds = 1

/**
 * The budget as it is once the eviction of a running Task has been taken from it; undefined when the eviction
 * costs nothing: there is no budget, nothing is left to disrupt, or the Task is not healthy and its budget lets
 * such go. Throws TooManyRequests when the budget forbids it. Pure.
 */
export function spendBudget(task: Task, budgets: readonly PodDisruptionBudget[], nowMs: number): PodDisruptionBudget | undefined {
  if (!task.spec.nodeName || isConditionTrue(task, 'Complete') || !hasBegun(task.status)) return undefined
  const [budget, another] = budgets
  if (!budget) return undefined
  const { name } = budget.metadata
  if (another)
    throw internalError(
      `This pod has more than one PodDisruptionBudget, which the eviction subresource does not support: ${budgets.map(({ metadata }) => metadata.name).join(', ')}`,
    )
  const { disruptionsAllowed = 0, currentHealthy = 0, desiredHealthy = 0, observedGeneration = 0, disruptedPods = {} } = budget.status ?? {}
  if (!isHealthy(task)) {
    if (budget.spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return undefined
    if (currentHealthy >= desiredHealthy && desiredHealthy > 0) return undefined
  }
  if (observedGeneration < (budget.metadata.generation ?? 0))
    throw disruptionRefused(`The disruption budget ${name} is still being processed by the server.`, countingSeconds)
  if (Object.keys(disruptedPods).length >= maxDisrupted)
    throw forbidden(
      { group: PodDisruptionBudget.group, resource: PodDisruptionBudget.plural, name },
      `${maxDisrupted} evictions were allowed that the controller has not confirmed`,
    )
  if (disruptionsAllowed <= 0) throw disruptionRefused(whyNone(budget))
  const spent = {
    ...budget.status,
    disruptionsAllowed: disruptionsAllowed - 1,
    disruptedPods: { ...disruptedPods, [task.metadata.name]: timestamp(nowMs) },
  }
  const conditions = withCondition(spent.conditions, { ...disruptionAllowed(spent), observedGeneration }, nowMs)
  return { ...budget, status: { ...spent, conditions } }
}

function whyNone(budget: PodDisruptionBudget): string {
  const { desiredHealthy = 0, currentHealthy = 0 } = budget.status ?? {}
  const { name } = budget.metadata
  const condition = findCondition(budget, 'DisruptionAllowed')
  if (condition?.reason === 'SyncFailed') return `The disruption budget ${name} cannot be counted: ${condition.message}`
  return `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`
}

/** Finds the budgets that are about a Task. What a stored one says is read once. */
export class BudgetFinder {
  readonly #read = new WeakMap<StoredObject, PodDisruptionBudget>()

  /** As a decision sees them; by name. Two are enough to refuse, so no more are looked for. */
  of({ metadata: { namespace = '', labels } }: Task, view: ReadView): PodDisruptionBudget[] {
    const found: PodDisruptionBudget[] = []
    for (const stored of view.scan(PodDisruptionBudget.group, PodDisruptionBudget.plural, namespace)) {
      const budget = this.#budgetOf(stored)
      if (coversLabels(budget, labels)) found.push(budget)
      if (found.length === 2) break
    }
    return found.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  }

  #budgetOf(stored: StoredObject): PodDisruptionBudget {
    const known = this.#read.get(stored)
    if (known) return known
    const budget = JSON.parse(stored.bytes.toString()) as PodDisruptionBudget
    this.#read.set(stored, budget)
    return budget
  }
}
