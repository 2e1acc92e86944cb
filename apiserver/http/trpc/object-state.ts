import type { Kind, KubeObject } from '../../../lib/api/define-kind.js'
import type { CronTask } from '../../../lib/api/kinds/cron-task.js'
import type { Deployment } from '../../../lib/api/kinds/deployment.js'
import type { Task } from '../../../lib/api/kinds/task.js'
import { conditionOf } from './condition-of.js'
import { isReplicated } from './replica-reasons.js'

/** What is asked for, in words. */
export function desiredState(kind: Kind, object: KubeObject): string {
  if (object.metadata.deletionTimestamp) return 'deleted'
  if (kind.kind === 'Task') return desiredTask(object as unknown as Task)
  if (isCronTask(kind)) return desiredRuns(object as unknown as CronTask)
  if (isReplicated(kind)) return desiredReplicas(object as unknown as Deployment)
  if (kind.kind === 'Node')
    return (object.spec as { unschedulable?: boolean } | undefined)?.unschedulable ? 'ready, but cordoned' : 'ready to run workloads'
  return 'present'
}

/** What is the case, in words. */
export function actualState(kind: Kind, object: KubeObject): string {
  if (kind.kind === 'Node') return conditionOf(object, 'Ready')?.status === 'True' ? 'Ready' : 'not Ready'
  if (isCronTask(kind)) return actualRuns(object as unknown as CronTask)
  if (isReplicated(kind)) return actualReplicas(object as unknown as Deployment)
  const { phase } = (object.status ?? {}) as { phase?: string }
  const { nodeName } = (object.spec ?? {}) as { nodeName?: string }
  if (kind.workload)
    return `${phase ?? 'Pending'}${nodeName ? ` on node ${nodeName}` : ', bound to no node'}${ending(object as unknown as Task)}`
  return phase ?? 'present'
}

const isCronTask = ({ group, plural }: Kind) => group === 'millrace.dev' && plural === 'crontasks'

function desiredRuns({ spec: { suspend, schedule, timeZone } }: CronTask): string {
  return suspend ? 'suspended: no Task is started' : `a Task at "${schedule}" by the clocks of ${timeZone}`
}

function actualRuns({ status = {} }: CronTask): string {
  const { active = [], nextScheduleTime: next, lastScheduleTime: last } = status
  const names = active.map(({ name }) => name).join(', ')
  return [
    active.length === 0 ? 'no Task is active' : `active: ${names}`,
    ...(last ? [`the last was due at ${last}`] : []),
    ...(next ? [`the next is due at ${next}`] : []),
  ].join('; ')
}

function desiredReplicas({ spec: { replicas, paused } }: Deployment): string {
  return `${replicas} available${paused ? '; paused: changes of the template wait' : ''}`
}

/** Of a ReplicaSet all are of its template. */
function actualReplicas({ status = {} }: Deployment): string {
  const { replicas = 0, updatedReplicas, readyReplicas = 0, availableReplicas = 0 } = status
  const updated = updatedReplicas === undefined ? [] : [`${updatedReplicas} of the present template`]
  return [replicas === 1 ? '1 Task' : `${replicas} Tasks`, ...updated, `${readyReplicas} ready`, `${availableReplicas} available`].join(
    ', ',
  )
}

function desiredTask({ spec }: Task): string {
  if (spec.suspend) return 'paused'
  if (spec.restartPolicy === 'Always') return 'running, and started again whenever it ends'
  if (spec.restartPolicy === 'OnFailure') return `run to success, with at most ${spec.backoffLimit} restarts`
  return 'run once, to its end'
}

/** How the last run ended; while another one is alive or on its way, it says so. */
function ending({ status }: Task): string {
  const end = endOf(status)
  return end === '' || status?.phase === 'Succeeded' || status?.phase === 'Failed' ? end : `; the last run${end.slice(1)}`
}

function endOf(status: Task['status']): string {
  if (status?.oomKilled) return ', killed for its use of memory'
  if (status?.signal) return `, ended by ${status.signal}`
  return status?.exitCode === undefined ? '' : `, ended with exit code ${status.exitCode}`
}
