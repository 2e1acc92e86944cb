import { findCondition } from '../../lib/api/condition.js'
import type { Taint } from '../../lib/api/kinds/node.js'
import type { Vps } from '../../lib/api/kinds/vps.js'
import { nodeCleanupFinalizer } from '../../lib/api/kinds/workload.js'
import { drainTaint, tolerates } from '../../lib/api/taint-toleration.js'
import type { NodeFate } from '../node-fate/node-fates.js'

export type MachineStep =
  | { readonly type: 'none' }
  /** Nobody knows how it is: Running becomes Unknown. */
  | { readonly type: 'markUnknown' }
  /** Its disk is gone with its node: it fails, in words. */
  | { readonly type: 'markLost' }
  /** The agent that would remove its finalizer is no more. */
  | { readonly type: 'releaseFinalizer' }
  /** Its node is being emptied: it is no longer to run. Disruption budgets count Tasks alone. */
  | { readonly type: 'stop' }

/** What becomes of a Vps, seen from its node's fate. It never moves: its disk is where it is. */
export function decideMachine(vps: Vps, fate: NodeFate, taints: readonly Taint[]): MachineStep {
  const running = findCondition(vps, 'Running')
  if (fate === 'lost') {
    const isHeld = vps.metadata.finalizers?.includes(nodeCleanupFinalizer) ?? false
    if (vps.metadata.deletionTimestamp) return { type: isHeld ? 'releaseFinalizer' : 'none' }
    return { type: running?.status === 'False' && running.reason === 'Failed' ? 'none' : 'markLost' }
  }
  if (vps.metadata.deletionTimestamp) return { type: 'none' }
  if (fate === 'silent') return { type: running === undefined || running.status === 'True' ? 'markUnknown' : 'none' }
  const drain = taints.find(({ key }) => key === drainTaint.key)
  const stays = !drain || !vps.spec.running || vps.spec.tolerations?.some((toleration) => tolerates(toleration, drain))
  return { type: stays ? 'none' : 'stop' }
}
