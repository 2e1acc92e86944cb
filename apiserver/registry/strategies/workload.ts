import { forbiddenField, type StatusCause } from '../../../lib/api/api-error.js'
import { type Condition, withCondition } from '../../../lib/api/condition.js'
import type { KubeObject } from '../../../lib/api/define-kind.js'
import type { VpsSpec } from '../../../lib/api/kinds/vps.js'
import { nodeCleanupFinalizer } from '../../../lib/api/kinds/workload.js'
import type { Strategy, UpdateFacts } from './strategy.js'
import { userDataCauses } from './user-data.js'

interface WorkloadParts {
  spec: { nodeName?: string; running?: boolean; terminationGracePeriodSeconds?: number }
  status?: { phase?: string; conditions?: Condition[]; attempt?: number; restarts?: number }
}

/** Who alone may take a workload off its node. */
const unbinder = 'system:controller-manager'

/**
 * A workload is bound once, by its binding (or born bound), and unbound by the controller-manager alone. What the node leaves behind
 * belongs to the attempt, so unbinding starts the next one in the same write: no two placements ever share an attempt number.
 */
export const workloadStrategy: Strategy = {
  prepareCreate(object, facts) {
    object.status = { phase: 'Pending' }
    const { nodeName } = (object as unknown as WorkloadParts).spec ?? {}
    if (nodeName) markBound(object, nodeName, facts.nowMs)
  },

  graceSeconds: (object) => (object as unknown as WorkloadParts).spec.terminationGracePeriodSeconds ?? 0,

  prepareUpdate(object, old, facts) {
    if (isUnbinding(object, old) && facts.user.name === unbinder) markUnbound(object, facts.nowMs)
  },

  validateUpdate(object, old, facts) {
    const before = nodeNameOf(old)
    const after = nodeNameOf(object)
    if (before === after) return []
    if (after !== '') return [forbiddenField('spec.nodeName', 'set by the binding subresource, once')]
    return unbindingCauses(facts)
  },
}

/**
 * A Vps is bound like every workload, and stays where its disk is: nobody unbinds it. One that has never been bound is Stopped or Pending
 * as it is to run or not; from then on its agent says.
 */
export const vpsStrategy: Strategy = {
  ...workloadStrategy,

  prepareCreate(object, facts) {
    object.status = unplacedStatus(object, facts.nowMs)
    const nodeName = nodeNameOf(object)
    if (nodeName) markBound(object, nodeName, facts.nowMs)
  },

  prepareUpdate(object, old, { subresource, nowMs }) {
    if (subresource === '' && nodeNameOf(old) === '' && running(object) !== running(old)) object.status = unplacedStatus(object, nowMs)
  },

  // It does not change.
  validate: (object, old) => (old ? [] : userDataCauses((object.spec as VpsSpec).userData ?? '')),

  validateUpdate: (object, old) =>
    nodeNameOf(object) === nodeNameOf(old) ? [] : [forbiddenField('spec.nodeName', 'set by the binding subresource, once and for good')],
}

function unplacedStatus(object: KubeObject, nowMs: number): WorkloadParts['status'] {
  if (running(object) !== false) return { phase: 'Pending' }
  const stopped = { type: 'Running', status: 'False', reason: 'Stopped', message: 'it is not to run' } as const
  return { phase: 'Stopped', conditions: withCondition([], stopped, nowMs) }
}

/** Sets the node, the finalizer that its agent removes, and the status of a workload that waits for its agent. */
export function markBound(object: KubeObject, nodeName: string, nowMs: number): void {
  const parts = object as unknown as WorkloadParts
  parts.spec = { ...parts.spec, nodeName }
  object.metadata.finalizers = [...new Set([...(object.metadata.finalizers ?? []), nodeCleanupFinalizer])]
  const scheduled = { type: 'Scheduled', status: 'True', reason: 'Bound', message: `bound to node ${nodeName}` } as const
  const conditions = withCondition(parts.status?.conditions, scheduled, nowMs)
  parts.status = { ...parts.status, phase: phaseOf(object, running(object) === undefined ? 'Assigned' : 'Provisioning'), conditions }
}

function markUnbound(object: KubeObject, nowMs: number): void {
  const parts = object as unknown as WorkloadParts
  object.metadata.finalizers = (object.metadata.finalizers ?? []).filter((finalizer) => finalizer !== nodeCleanupFinalizer)
  const { nodeName: _nodeName, ...spec } = parts.spec
  parts.spec = spec
  const scheduled = { type: 'Scheduled', status: 'False', reason: 'Unbound', message: 'taken off its node; waits for another' } as const
  parts.status = { phase: 'Pending', conditions: withCondition([], scheduled, nowMs), attempt: (parts.status?.attempt ?? 0) + 1 }
}

function unbindingCauses(facts: UpdateFacts): StatusCause[] {
  if (facts.user.name !== unbinder) return [forbiddenField('spec.nodeName', `may be cleared by ${unbinder} alone`)]
  if (!facts.guarded) return [forbiddenField('spec.nodeName', 'may be cleared only together with metadata.resourceVersion')]
  return []
}

const isUnbinding = (object: KubeObject, old: KubeObject) => nodeNameOf(old) !== '' && nodeNameOf(object) === ''

/** Whether a Vps is to run; undefined for a Task, which always is. */
const running = (object: KubeObject) => (object as unknown as Partial<WorkloadParts>).spec?.running

/** A Vps that is not to run, and of which nothing was ever made, is Stopped. */
const phaseOf = (object: KubeObject, otherwise: string) => (running(object) === false ? 'Stopped' : otherwise)

export function nodeNameOf(object: KubeObject): string {
  return (object as unknown as Partial<WorkloadParts>).spec?.nodeName ?? ''
}
