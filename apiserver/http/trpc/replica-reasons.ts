import type { Condition } from '../../../lib/api/condition.js'
import type { Kind, KubeObject } from '../../../lib/api/define-kind.js'
import type { ReplicaSet } from '../../../lib/api/kinds/replica-set.js'
import { conditionOf } from './condition-of.js'
import type { ReadableObjects } from './readable-objects.js'
import type { Reason } from './why.js'

interface ReplicaQuestion {
  readonly objects: ReadableObjects
  readonly kind: Kind
  readonly object: KubeObject
}

/** ReplicaSets that are told of: the newest. A rollout has two, or a few more. */
const maxSets = 10
/** Tasks that are told of for each ReplicaSet. */
const maxTasks = 5

export const isReplicated = ({ group, plural }: Kind): boolean => group === 'apps' && (plural === 'deployments' || plural === 'replicasets')

/** What the Tasks of a ReplicaSet say, or the ReplicaSets of a Deployment and their Tasks: those that are not as they shall be. */
export function replicaReasons({ objects, kind, object }: ReplicaQuestion): Reason[] {
  const { namespace = '', uid } = object.metadata
  const place = (group: string, resource: string) => ({ group, resource, namespace, name: '' })
  if (kind.plural === 'replicasets') return taskReasons(object, objects.ownedBy(place('millrace.dev', 'tasks'), uid))
  const sets = objects.ownedBy(place('apps', 'replicasets'), uid).filter(isInUse).slice(-maxSets)
  const tasks = objects.ownedBy(place('millrace.dev', 'tasks'), ...sets.map(({ metadata }) => metadata.uid))
  return sets.flatMap((set) => {
    const { spec, status = {} } = set as unknown as ReplicaSet
    const { availableReplicas = 0 } = status
    const text = `${availableReplicas} of ${spec.replicas} Tasks are available`
    const about = `ReplicaSet ${namespace}/${set.metadata.name}`
    return [{ source: 'owned', about, text, isObstacle: availableReplicas !== spec.replicas } as const, ...taskReasons(set, tasks)]
  })
}

function isInUse(set: KubeObject): boolean {
  const { spec, status } = set as unknown as ReplicaSet
  return spec.replicas > 0 || (status?.replicas ?? 0) > 0
}

function taskReasons(set: KubeObject, tasks: readonly KubeObject[]): Reason[] {
  const { namespace = '', uid } = set.metadata
  const own = tasks.filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid))
  const unready = own.filter((task) => conditionOf(task, 'Ready')?.status !== 'True' || task.metadata.deletionTimestamp)
  return unready.slice(-maxTasks).map((task) => ({
    source: 'owned',
    about: `Task ${namespace}/${task.metadata.name}`,
    text: `${stateOf(task)}; why task/${task.metadata.name} says more`,
    time: task.metadata.creationTimestamp,
    isObstacle: !task.metadata.deletionTimestamp && conditionOf(task, 'Complete')?.status !== 'True',
  }))
}

/** The first thing on its way that is not there. */
function stateOf(task: KubeObject): string {
  if (task.metadata.deletionTimestamp) return 'is being deleted'
  const { phase = 'Pending' } = (task.status ?? {}) as { phase?: string }
  const complete = conditionOf(task, 'Complete')
  const inTheWay = ['Scheduled', 'Accepted', 'ImageReady', 'Running', 'Ready']
    .map((type) => conditionOf(task, type))
    .find((condition) => condition !== undefined && condition.status !== 'True')
  return [`is ${phase}`, words(complete?.status === 'True' ? complete : inTheWay)].filter(Boolean).join(': ')
}

const words = (condition: Condition | undefined) => [condition?.reason, condition?.message].filter(Boolean).join(', ')
