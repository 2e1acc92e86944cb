import type { Deployment } from '../../../lib/api/kinds/deployment.js'
import type { ReplicaSet } from '../../../lib/api/kinds/replica-set.js'
import { printLabelSelector } from '../../../lib/api/label-selector.js'
import { selectorOf } from '../../../lib/api/label-selector-object.js'
import type { Cell } from './table.js'

/** The cells of a Deployment as `kubectl get deployments` is known to print them. */
export function deploymentCells({ spec, status }: Deployment): Record<string, Cell> {
  return {
    Ready: `${status?.readyReplicas ?? 0}/${spec.replicas}`,
    'Up-to-date': status?.updatedReplicas ?? 0,
    Available: status?.availableReplicas ?? 0,
    ...templateCells(spec),
  }
}

/** The cells of a ReplicaSet as `kubectl get replicasets` is known to print them. */
export function replicaSetCells({ spec, status }: ReplicaSet): Record<string, Cell> {
  return { Current: status?.replicas ?? 0, Ready: status?.readyReplicas ?? 0, ...templateCells(spec) }
}

function templateCells({ selector, template }: Deployment['spec'] | ReplicaSet['spec']): Record<string, Cell> {
  const { containers } = template.spec
  return {
    Containers: containers.map(({ name }) => name).join(','),
    Images: containers.map(({ image }) => image ?? '<none>').join(','),
    Selector: printLabelSelector(selectorOf(selector)),
  }
}
