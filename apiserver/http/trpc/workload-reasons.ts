import type { KubeObject } from '../../../lib/api/define-kind.js'
import type { TaskSpec } from '../../../lib/api/kinds/task.js'
import type { VpsSpec } from '../../../lib/api/kinds/vps.js'
import { conditionOf } from './condition-of.js'
import { drainReasons } from './drain-reasons.js'
import { nodeReasons } from './node-reasons.js'
import type { ReadableObjects } from './readable-objects.js'
import type { Reason } from './why.js'

interface WorkloadQuestion {
  readonly objects: ReadableObjects
  readonly object: KubeObject
  readonly about: string
  readonly nowMs: number
}

/** What a workload's scheduling, its node and its namespace say about it. */
export function workloadReasons(question: WorkloadQuestion): Reason[] {
  const { object } = question
  if (conditionOf(object, 'Complete')?.status === 'True') return []
  const { nodeName, suspend, running } = object.spec as Pick<TaskSpec, 'nodeName' | 'suspend'> & Partial<Pick<VpsSpec, 'running'>>
  if (running === false && !nodeName)
    return [
      { source: 'spec', about: question.about, text: 'spec.running asks for it not to run, so no node is looked for', isObstacle: false },
    ]
  return [
    ...(running === false
      ? [{ source: 'spec' as const, about: question.about, text: 'spec.running asks for it not to run', isObstacle: false }]
      : []),
    ...(suspend
      ? [{ source: 'spec' as const, about: question.about, text: 'spec.suspend asks for it to be paused', isObstacle: false }]
      : []),
    ...namespaceReasons(question),
    ...(nodeName ? placementReasons(question, nodeName) : schedulingReasons(question)),
  ]
}

function namespaceReasons({ objects, object }: WorkloadQuestion): Reason[] {
  const name = object.metadata.namespace ?? ''
  const namespace = objects.find({ group: '', resource: 'namespaces', namespace: '', name })
  if (!namespace?.metadata.deletionTimestamp) return []
  return [
    {
      source: 'namespace',
      about: `Namespace ${name}`,
      text: 'is being deleted, and everything in it',
      time: namespace.metadata.deletionTimestamp,
      isObstacle: true,
    },
  ]
}

/** Not bound: the scheduler says why in the Scheduled condition; where it has said nothing, it has not looked. */
function schedulingReasons({ object, about }: WorkloadQuestion): Reason[] {
  if (conditionOf(object, 'Scheduled')) return []
  return [{ source: 'scheduler', about, text: 'no scheduler has looked at it yet: is the scheduler running?', isObstacle: true }]
}

function placementReasons({ objects, object, about, nowMs }: WorkloadQuestion, nodeName: string): Reason[] {
  const place = { group: '', resource: 'nodes', namespace: '', name: nodeName }
  const node = objects.find(place)
  if (!node) {
    if (objects.isHidden(place)) return []
    return [
      {
        source: 'node',
        about: `Node ${nodeName}`,
        text: 'does not exist: its agent never joined, or the node was removed',
        isObstacle: true,
      },
    ]
  }
  const silent = conditionOf(object, 'Accepted')
    ? []
    : [{ source: 'node' as const, about, text: `the agent of node ${nodeName} has not accepted it yet`, isObstacle: true }]
  return [...silent, ...nodeReasons({ objects, node, nowMs }), ...drainReasons({ objects, object, node })]
}
