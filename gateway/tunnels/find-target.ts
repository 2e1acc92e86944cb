import { isConditionTrue } from '../../lib/api/condition.js'
import type { Task } from '../../lib/api/kinds/task.js'
import type { Tunnel } from '../../lib/api/kinds/tunnel.js'
import type { Vps } from '../../lib/api/kinds/vps.js'

/** The workload that a Tunnel leads to, as the gateway's informers show it now. */
export interface TargetLookup {
  task(name: string, namespace: string): Task | undefined
  vps(name: string, namespace: string): Vps | undefined
  isConnected(node: string): boolean
}

/** Where a target is now; it is looked up for each connection. */
export interface TargetPlace {
  readonly node: string
  readonly kind: 'Task' | 'Vps'
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly attempt: number
  readonly port: number
}

/** Why a target cannot be connected to now. */
export interface TargetAbsence {
  readonly reason: 'TargetNotFound' | 'TargetNotRunning' | 'NodeNotConnected'
  readonly message: string
}

/** Pure. */
export function findTarget(tunnel: Pick<Tunnel, 'metadata' | 'spec'>, lookup: TargetLookup): TargetPlace | TargetAbsence {
  const { kind, name, port } = tunnel.spec.target
  const { namespace = '' } = tunnel.metadata
  const target = kind === 'Task' ? lookup.task(name, namespace) : lookup.vps(name, namespace)
  const word = kind === 'Task' ? 'task' : 'vps'
  if (!target) return { reason: 'TargetNotFound', message: `there is no ${word} "${name}" in the namespace` }
  const { nodeName } = target.spec
  if (!nodeName || !isConditionTrue(target, 'Running'))
    return { reason: 'TargetNotRunning', message: `${word} "${name}" does not run: its phase is ${target.status?.phase ?? 'Pending'}` }
  if (!lookup.isConnected(nodeName))
    return { reason: 'NodeNotConnected', message: `the agent of node "${nodeName}" has no connection to the gateway` }
  const attempt = kind === 'Task' ? (lookup.task(name, namespace)?.status?.attempt ?? 0) : 0
  return { node: nodeName, kind, namespace, name, uid: target.metadata.uid, attempt, port }
}

export function isAbsent(found: TargetPlace | TargetAbsence): found is TargetAbsence {
  return 'reason' in found
}
