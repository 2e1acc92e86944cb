import type { KubeObject } from '../../../lib/api/define-kind.js'
import { nodeLeaseNamespace } from '../../../lib/api/kinds/lease.js'
import type { Node } from '../../../lib/api/kinds/node.js'
import { shortDuration } from '../../../lib/api/short-duration.js'
import { conditionOf } from './condition-of.js'
import type { ReadableObjects } from './readable-objects.js'
import type { Reason } from './why.js'

/** What a node's state means for what runs on it: readiness, heartbeat, cordon, taints. */
export function nodeReasons({ objects, node, nowMs }: { objects: ReadableObjects; node: KubeObject; nowMs: number }): Reason[] {
  const { name } = node.metadata
  const about = `Node ${name}`
  const { unschedulable, taints = [] } = node.spec as Node['spec']
  const ready = conditionOf(node, 'Ready')
  const reasons: Reason[] = []
  const tell = (text: string, isObstacle: boolean, time?: string) => reasons.push({ source: 'node', about, text, isObstacle, time })
  if (ready?.status !== 'True')
    tell(ready ? `is not Ready: ${ready.message ?? ready.reason ?? ready.status}` : 'has never reported', true, ready?.lastTransitionTime)
  const heartbeat = lastHeartbeat(objects, name)
  if (heartbeat !== undefined)
    tell(`its agent last reported ${shortDuration(Math.max(0, nowMs - Date.parse(heartbeat)))} ago`, false, heartbeat)
  if (unschedulable) tell('is cordoned: nothing new is placed on it', false)
  for (const { key, value, effect, timeAdded } of taints)
    tell(`is tainted ${key}${value ? `=${value}` : ''}:${effect}`, effect === 'NoExecute', timeAdded)
  return reasons
}

function lastHeartbeat(objects: ReadableObjects, name: string): string | undefined {
  const lease = objects.find({ group: 'coordination.k8s.io', resource: 'leases', namespace: nodeLeaseNamespace, name })
  return (lease?.spec as { renewTime?: string } | undefined)?.renewTime
}
