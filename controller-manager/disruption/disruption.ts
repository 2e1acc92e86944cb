/**
 * Counts disruption budgets: how many of the Tasks that each selects are healthy, how many must be, and so how many may be evicted. The
 * server takes evictions from what is counted here, in the transaction that evicts; a count that was made before one is refused as a
 * conflict, and made again. One rule: what cannot be counted allows nothing.
 */
import { findCondition } from '../../lib/api/condition.js'
import type { KubeObject } from '../../lib/api/define-kind.js'
import { coversLabels, disruptionAllowed } from '../../lib/api/disruption-budget.js'
import { CustomResourceDefinition } from '../../lib/api/kinds/custom-resource-definition.js'
import { PodDisruptionBudget } from '../../lib/api/kinds/pod-disruption-budget.js'
import { Task } from '../../lib/api/kinds/task.js'
import type { ObjectMeta } from '../../lib/api/object-meta.js'
import type { Cache } from '../../lib/controller/cache.js'
import { type Controller, controller } from '../../lib/controller/controller.js'
import { watch } from '../../lib/controller/watch.js'
import type { ControllerContext } from '../controller-context.js'
import { countBudget, needsScale, type Scalers } from './count-budget.js'
import { findScalers, scaledKinds } from './find-scalers.js'

export const disruption = ({ tasks: informer }: Pick<ControllerContext, 'tasks'>): Controller =>
  controller({
    name: 'disruption',
    for: PodDisruptionBudget,
    watches: [
      watch(Task, ({ metadata }, cache) => budgetsOf(metadata.namespace, metadata.labels, cache)),
      ...scaledKinds.map((kind) => watch(kind, (object, cache) => budgetsAbove(object as unknown as KubeObject, cache))),
      watch(CustomResourceDefinition, (_definition, cache) =>
        cache
          .list(PodDisruptionBudget)
          .filter(isUncounted)
          .map(({ metadata }) => metadata),
      ),
    ],
    async reconcile(budget, ctx) {
      budget.status.observedGeneration = budget.metadata.generation
      const tasks = ctx.list(Task, budget.metadata.namespace).filter(({ metadata }) => coversLabels(budget, metadata.labels))
      const fail = (why: string) => {
        Object.assign(budget.status, { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 })
        ctx.condition('DisruptionAllowed', false, uncounted, why)
      }
      const scalers = needsScale(budget.spec)
        ? await findScalers(tasks, ctx).catch((error: unknown) => {
            fail(`what says how many there should be cannot be read: ${error instanceof Error ? error.message : String(error)}`)
            throw error
          })
        : none
      const count = countBudget(
        budget as PodDisruptionBudget,
        tasks,
        scalers,
        ctx.clock.now(),
        informer.hasSeen(budget.metadata.resourceVersion),
      )
      if (count.type === 'unknown') return fail(count.why)
      const { type: _type, recountInMs, ...numbers } = count
      Object.assign(budget.status, numbers)
      const { status, reason, message } = disruptionAllowed(budget.status)
      ctx.condition('DisruptionAllowed', status === 'True', reason, message)
      return recountInMs === undefined ? undefined : { requeueAfter: `${recountInMs}ms` }
    },
  })

const none: Scalers = new Map()
const uncounted = 'SyncFailed'
const isUncounted = (budget: PodDisruptionBudget) => findCondition(budget, 'DisruptionAllowed')?.reason === uncounted

function budgetsOf(namespace: string | undefined, labels: Record<string, string> | undefined, cache: Cache): ObjectMeta[] {
  return cache
    .list(PodDisruptionBudget, namespace)
    .filter((budget) => coversLabels(budget, labels))
    .map(({ metadata }) => metadata)
}

/** The Tasks of a controller have the labels of its template. */
function budgetsAbove({ metadata, spec }: KubeObject, cache: Cache): ObjectMeta[] {
  const { template } = spec as { template?: { metadata?: { labels?: Record<string, string> } } }
  return budgetsOf(metadata.namespace, template?.metadata?.labels, cache)
}
