/** Taints keep workloads away; tolerations let them in. What the scheduler, the controllers and drain share. */
import type { Taint } from './kinds/node.js'
import type { Toleration } from './kinds/workload.js'

/** Set by the node lifecycle while a node's agent is silent. */
export const unreachableTaint = 'node.kubernetes.io/unreachable'
/** Set by the node lifecycle while a node's agent says that it is not ready. */
export const notReadyTaint = 'node.kubernetes.io/not-ready'
/** Set by a person who vouches that the machine is off: what was bound to it no longer runs. */
export const outOfServiceTaint = 'node.kubernetes.io/out-of-service'

/** Set by `kubectl-lite drain` and taken off by `uncordon`: a person wants the node empty, as disruption budgets allow. */
export const drainTaint: Taint = { key: 'millrace.dev/drain', effect: 'NoExecute' }
/** The same, whatever disruption budgets say. */
export const forcedDrainTaint: Taint = { ...drainTaint, value: 'forced' }

/** Whether the taint wants the node empty only as far as disruption budgets allow. */
export const asksBudgets = ({ key, value }: Pick<Taint, 'key' | 'value'>): boolean =>
  key === drainTaint.key && value !== forcedDrainTaint.value

/** Whether the toleration covers the taint, as in Kubernetes. */
export function tolerates(toleration: Toleration, taint: Pick<Taint, 'key' | 'value' | 'effect'>): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false
  if (toleration.key && toleration.key !== taint.key) return false
  if (toleration.operator === 'Exists') return true
  return !!toleration.key && (toleration.value ?? '') === (taint.value ?? '')
}

/** A taint for people: `key=value:NoSchedule`. */
export function printTaint({ key, value, effect }: Pick<Taint, 'key' | 'value' | 'effect'>): string {
  return `${key}${value ? `=${value}` : ''}:${effect}`
}
