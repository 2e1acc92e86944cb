import { findCondition } from '../../lib/api/condition.js'
import { disruptionOf } from '../../lib/api/disruption.js'
import { countOf } from '../../lib/api/int-or-percent.js'
import type { PodDisruptionBudget } from '../../lib/api/kinds/pod-disruption-budget.js'
import type { Task } from '../../lib/api/kinds/task.js'
import { isHealthy } from '../../lib/api/task-health.js'
import { isComplete } from '../task-end.js'

/** How long an eviction that was allowed may stay unseen. */
const unseenMs = 120_000

/** What says how many of its Tasks there should be. */
export interface Scaler {
  readonly uid: string
  readonly replicas: number
}

/** The scaler above a Task, by the uid of the Task's controller. */
export type Scalers = ReadonlyMap<string, Scaler>

export type BudgetCount =
  | {
      readonly type: 'counted'
      readonly expectedPods: number
      readonly desiredHealthy: number
      readonly currentHealthy: number
      readonly disruptionsAllowed: number
      readonly disruptedPods: Record<string, string>
      /** When an entry of disruptedPods becomes too old; undefined without entries. */
      readonly recountInMs: number | undefined
    }
  /** It cannot be known how many there should be, and why, in words. */
  | { readonly type: 'unknown'; readonly why: string }

/** Whether the numbers of the budget depend on how many Tasks there should be, which controllers alone know. */
export function needsScale({ minAvailable, maxUnavailable }: PodDisruptionBudget['spec']): boolean {
  return maxUnavailable !== undefined || typeof minAvailable === 'string'
}

/**
 * Counts a budget. `tasks` are those that it selects. What is evicted, being deleted, or was allowed to be evicted a
 * moment ago does not count as healthy, whoever wanted it. `allSeen`: the Tasks are as they were when the budget was last
 * written, or newer, so that no eviction of it can be unseen. Pure.
 */
export function countBudget(
  { spec, status }: Pick<PodDisruptionBudget, 'spec' | 'status'>,
  tasks: readonly Task[],
  scalers: Scalers,
  nowMs: number,
  allSeen: boolean,
): BudgetCount {
  const expectedPods = needsScale(spec) ? expectedByScale(tasks, scalers) : tasks.filter((task) => !isComplete(task)).length
  if (typeof expectedPods === 'string') return { type: 'unknown', why: expectedPods }
  const noted = allSeen ? [] : Object.entries(status?.disruptedPods ?? {})
  const byName = new Map(noted.length === 0 ? [] : tasks.map((task) => [task.metadata.name, task]))
  const disruptedPods = Object.fromEntries(noted.filter(([name, time]) => isUnseen(byName.get(name), Date.parse(time), nowMs)))
  const currentHealthy = tasks.filter((task) => isHealthy(task) && !Object.hasOwn(disruptedPods, task.metadata.name)).length
  const desiredHealthy = desiredOf(spec, expectedPods)
  return {
    type: 'counted',
    expectedPods,
    desiredHealthy,
    currentHealthy,
    disruptionsAllowed: expectedPods > 0 ? Math.max(0, currentHealthy - desiredHealthy) : 0,
    disruptedPods,
    recountInMs: recountInMs(Object.values(disruptedPods), nowMs),
  }
}

const maxInt32 = 2 ** 31 - 1

/** The sum over the scalers above the Tasks, each once; or which Tasks have none, in words. */
function expectedByScale(tasks: readonly Task[], scalers: Scalers): number | string {
  const found = new Map<string, number>()
  const without: string[] = []
  for (const task of tasks) {
    const scaler = scalers.get(controllerUid(task) ?? '')
    if (scaler) found.set(scaler.uid, scaler.replicas)
    else if (!isComplete(task)) without.push(task.metadata.name)
  }
  if (without.length > 0)
    return `no controller says how many there should be of ${shown(without)}; without one, a budget takes a number as minAvailable and nothing else`
  return Math.min(
    maxInt32,
    [...found.values()].reduce((sum, replicas) => sum + replicas, 0),
  )
}

/** The uid of the one owner that controls the object. */
function controllerUid({ metadata }: Pick<Task, 'metadata'>): string | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller)?.uid
}

const shownNames = 5
function shown(names: readonly string[]): string {
  const more = names.length - shownNames
  return [...names].sort().slice(0, shownNames).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

/** Shares are rounded up, as in Kubernetes: in doubt more must be healthy by minAvailable, and more may be unhealthy by maxUnavailable. */
function desiredOf({ minAvailable, maxUnavailable }: PodDisruptionBudget['spec'], expectedPods: number): number {
  if (maxUnavailable !== undefined) return Math.max(0, expectedPods - countOf(maxUnavailable, expectedPods, 'up'))
  return countOf(minAvailable ?? 0, expectedPods, 'up')
}

/** Whether an eviction that was allowed cannot be seen in the Task yet, and may still be. */
function isUnseen(task: Task | undefined, allowedAtMs: number, nowMs: number): boolean {
  if (!task || task.metadata.deletionTimestamp || isComplete(task) || disruptionOf(task)) return false
  // An attempt that was bound after it is not the one that was evicted.
  const boundAtMs = Date.parse(findCondition(task, 'Scheduled')?.lastTransitionTime ?? '')
  return nowMs - allowedAtMs < unseenMs && !(boundAtMs > allowedAtMs)
}

function recountInMs(times: readonly string[], nowMs: number): number | undefined {
  return times.length === 0 ? undefined : Math.min(...times.map((time) => Date.parse(time))) + unseenMs - nowMs
}
