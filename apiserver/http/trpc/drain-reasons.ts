import { findCondition, isConditionTrue } from '../../../lib/api/condition.js'
import type { KubeObject } from '../../../lib/api/define-kind.js'
import { disruptionOf } from '../../../lib/api/disruption.js'
import { coversLabels } from '../../../lib/api/disruption-budget.js'
import type { Node } from '../../../lib/api/kinds/node.js'
import { PodDisruptionBudget } from '../../../lib/api/kinds/pod-disruption-budget.js'
import { asksBudgets } from '../../../lib/api/taint-toleration.js'
import type { ReadableObjects } from './readable-objects.js'
import type { Reason } from './why.js'

/** Which disruption budget keeps a workload on a node that is being drained. */
export function drainReasons({ objects, object, node }: { objects: ReadableObjects; object: KubeObject; node: KubeObject }): Reason[] {
  if (!(node.spec as Node['spec']).taints?.some(asksBudgets) || disruptionOf({ status: object.status })) return []
  const { group, plural: resource } = PodDisruptionBudget
  const { namespace = '', labels } = object.metadata
  const budgets = objects.listed({ group, resource, namespace, name: '' }) as unknown as PodDisruptionBudget[]
  return budgets
    .filter((budget) => coversLabels(budget, labels) && !isConditionTrue(budget, 'DisruptionAllowed'))
    .map((budget) => {
      const condition = findCondition(budget, 'DisruptionAllowed')
      const why = condition?.message ?? 'it has not been counted yet'
      return {
        source: 'node',
        about: `PodDisruptionBudget ${namespace}/${budget.metadata.name}`,
        text: `node ${node.metadata.name} is being drained, and it forbids the eviction: ${why}`,
        time: condition?.lastTransitionTime,
        isObstacle: true,
      }
    })
}
