import { type Condition, findCondition } from '../../../lib/api/condition.js'
import type { PodStatus } from '../../../lib/api/kinds/pod.js'
import type { Task } from '../../../lib/api/kinds/task.js'
import { cpuMillis, memoryBytes } from '../../../lib/api/quantity.js'
import { containerStatus, hasStarted } from './container-status.js'

/** How a Task is, in the words of a Pod. */
export function podStatus(task: Task): PodStatus {
  const container = containerStatus(task)
  const accepted = findCondition(task, 'Accepted')
  const { address, startedAt } = task.status ?? {}
  return {
    phase: podPhase(task),
    conditions: podConditions(task),
    ...reasonOf(task),
    startTime: accepted?.status === 'True' ? accepted.lastTransitionTime : startedAt,
    podIP: address,
    podIPs: address ? [{ ip: address }] : undefined,
    containerStatuses: container && [container],
    qosClass: qosClass(task),
  }
}

/** A Pod that has started once never goes back to Pending: it waits for its next run as Running. */
export function podPhase(task: Task): PodStatus['phase'] {
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

function podConditions(task: Task): PodCondition[] {
  const scheduled = findCondition(task, 'Scheduled')
  const ready = findCondition(task, 'Ready')
  const disrupted = findCondition(task, 'DisruptionTarget')
  const bound = scheduled?.status === 'True'
  return [
    ...(scheduled ? [told('PodScheduled', scheduled)] : []),
    ...(bound ? [told('Initialized', scheduled)] : []),
    ...(bound ? (['ContainersReady', 'Ready'] as const).map((type) => (ready ? told(type, ready) : notReady(type, scheduled))) : []),
    ...(disrupted ? [disrupted] : []),
  ]
}

/** Kubernetes gives no reason for what holds. */
function told(type: string, { status, reason, message, lastTransitionTime }: Condition): PodCondition {
  return { type, status, ...(status === 'True' ? {} : { reason, message }), lastTransitionTime }
}

function notReady(type: string, { lastTransitionTime }: Condition): PodCondition {
  return { type, status: 'False', reason: 'ContainersNotReady', message: 'the container has not started', lastTransitionTime }
}

function qosClass({ spec }: Task): PodStatus['qosClass'] {
  const { requests = {}, limits = {} } = spec.resources ?? {}
  const has = (amounts: Readonly<Record<string, unknown>>) => amounts.cpu !== undefined || amounts.memory !== undefined
  if (!has(requests) && !has(limits)) return 'BestEffort'
  const { cpu, memory } = limits
  if (cpu === undefined || memory === undefined) return 'Burstable'
  const equal = cpuMillis(requests.cpu ?? cpu) === cpuMillis(cpu) && memoryBytes(requests.memory ?? memory) === memoryBytes(memory)
  return equal ? 'Guaranteed' : 'Burstable'
}
