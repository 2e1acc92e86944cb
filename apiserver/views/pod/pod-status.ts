import { type Condition, findCondition } from '../../../lib/api/condition.js'
import type { PodStatus } from '../../../lib/api/kinds/pod.js'
import type { Task } from '../../../lib/api/kinds/task.js'
import type { Vps } from '../../../lib/api/kinds/vps.js'
import { cpuMillis, memoryBytes } from '../../../lib/api/quantity.js'
import { containerStatus, hasStarted } from './container-status.js'

/** How a Task is, in the words of a Pod. */
export function podStatus(task: Task): PodStatus {
  const container = containerStatus(task)
  const accepted = findCondition(task, 'Accepted')
  const disrupted = findCondition(task, 'DisruptionTarget')
  const { address, startedAt } = task.status ?? {}
  return {
    phase: podPhase(task),
    conditions: [...podConditions(task), ...(disrupted ? [disrupted] : [])],
    ...reasonOf(task),
    startTime: accepted?.status === 'True' ? accepted.lastTransitionTime : startedAt,
    podIP: address,
    podIPs: address ? [{ ip: address }] : undefined,
    containerStatuses: container && [container],
    qosClass: qosClass(task.spec.resources),
  }
}

/** A Pod that has started once never goes back to Pending: it waits for its next run as Running. */
function podPhase(task: Task): PodStatus['phase'] {
  const phase = task.status?.phase ?? 'Pending'
  switch (phase) {
    case 'Pending':
    case 'Assigned':
      return 'Pending'
    case 'Preparing':
    case 'Paused':
      return hasStarted(task) ? 'Running' : 'Pending'
    default:
      return phase
  }
}

/** Ends that lie outside the container, and a pause, say so for the whole Pod. */
function reasonOf(task: Task): Pick<PodStatus, 'reason' | 'message'> {
  const running = findCondition(task, 'Running')
  if (task.status?.phase === 'Paused') return { reason: running?.reason, message: running?.message }
  const complete = findCondition(task, 'Complete')
  if (complete?.status !== 'True' || !endsOfPods.has(complete.reason ?? '')) return {}
  return { reason: complete.reason, message: complete.message }
}
const endsOfPods: ReadonlySet<string> = new Set(['DeadlineExceeded', 'NodeLost', 'Refused', 'Unsupported', 'BackoffLimitExceeded'])

type PodCondition = NonNullable<PodStatus['conditions']>[number]

/** What a Task and a Vps both say. */
export function podConditions(workload: Pick<Task, 'status'> | Pick<Vps, 'status'>): PodCondition[] {
  const scheduled = findCondition(workload, 'Scheduled')
  const ready = findCondition(workload, 'Ready')
  const bound = scheduled?.status === 'True'
  return [
    ...(scheduled ? [told('PodScheduled', scheduled)] : []),
    ...(bound ? [told('Initialized', scheduled)] : []),
    ...(bound ? (['ContainersReady', 'Ready'] as const).map((type) => (ready ? told(type, ready) : notReady(type, scheduled))) : []),
  ]
}

/** Kubernetes gives no reason for what holds. */
function told(type: string, { status, reason, message, lastTransitionTime }: Condition): PodCondition {
  return { type, status, ...(status === 'True' ? {} : { reason, message }), lastTransitionTime }
}

function notReady(type: string, { lastTransitionTime }: Condition): PodCondition {
  return { type, status: 'False', reason: 'ContainersNotReady', message: 'the container has not started', lastTransitionTime }
}

export function qosClass(resources: Task['spec']['resources']): PodStatus['qosClass'] {
  const { requests = {}, limits = {} } = resources ?? {}
  const has = (amounts: Readonly<Record<string, unknown>>) => amounts.cpu !== undefined || amounts.memory !== undefined
  if (!has(requests) && !has(limits)) return 'BestEffort'
  const { cpu, memory } = limits
  if (cpu === undefined || memory === undefined) return 'Burstable'
  const equal = cpuMillis(requests.cpu ?? cpu) === cpuMillis(cpu) && memoryBytes(requests.memory ?? memory) === memoryBytes(memory)
  return equal ? 'Guaranteed' : 'Burstable'
}
