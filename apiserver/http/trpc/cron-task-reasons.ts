import type { KubeObject } from '../../../lib/api/define-kind.js'
import { shortDuration } from '../../../lib/api/short-duration.js'
import { conditionOf } from './condition-of.js'
import type { ReadableObjects } from './readable-objects.js'
import type { Reason } from './why.js'

/** What the Tasks of a CronTask say about it: those that are active, and how the last one ended. */
export function cronTaskReasons({ objects, object, nowMs }: { objects: ReadableObjects; object: KubeObject; nowMs: number }): Reason[] {
  const { namespace = '', uid } = object.metadata
  const tasks = objects.ownedBy({ group: 'millrace.dev', resource: 'tasks', namespace, name: '' }, uid)
  const isOver = (task: KubeObject) => conditionOf(task, 'Complete')?.status === 'True'
  const last = tasks.filter(isOver).at(-1)
  return [...tasks.filter((task) => !isOver(task)), ...(last ? [last] : [])].map((task) => ({
    source: 'owned',
    about: `Task ${namespace}/${task.metadata.name}`,
    text: isOver(task) ? endOf(task, nowMs) : `is ${phaseOf(task)}; why task/${task.metadata.name} says more`,
    time: task.metadata.creationTimestamp,
    isObstacle: false,
  }))
}

const phaseOf = (task: KubeObject) => (task.status as { phase?: string } | undefined)?.phase ?? 'Pending'

function endOf(task: KubeObject, nowMs: number): string {
  const { reason = '', message = '', lastTransitionTime } = conditionOf(task, 'Complete') ?? {}
  const ago = lastTransitionTime ? ` ${shortDuration(Math.max(0, nowMs - Date.parse(lastTransitionTime)))} ago` : ''
  return `was the last to end${ago}: ${[phaseOf(task), reason, message].filter((word, at, all) => word !== '' && all.indexOf(word) === at).join(', ')}`
}
