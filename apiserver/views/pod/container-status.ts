import { constants } from 'node:os'
import { type Condition, findCondition, isConditionTrue } from '../../../lib/api/condition.js'
import { containerNameOf } from '../../../lib/api/container-name.js'
import type { ContainerState, ContainerStatus } from '../../../lib/api/kinds/pod.js'
import { backendOf, type Task } from '../../../lib/api/kinds/task.js'

/** How the one container is; undefined while no node has it. */
export function containerStatus(task: Task): ContainerStatus | undefined {
  const { spec, status } = task
  if (!spec.nodeName || wasNeverTaken(task)) return undefined
  return {
    name: containerNameOf(task.metadata),
    state: stateOf(task),
    lastState: lastState(task),
    ready: isConditionTrue(task, 'Ready'),
    started: isConditionTrue(task, 'Running'),
    restartCount: status?.restarts ?? 0,
    image: spec.image ?? '',
    imageID: '',
    containerID: status?.runtimeId && `${backendOf(spec)}://${status.runtimeId}`,
  }
}

/** Whether any run of the attempt has begun. */
export function hasStarted({ status }: Pick<Task, 'status'>): boolean {
  return status?.startedAt !== undefined || (status?.restarts ?? 0) > 0
}

/** The node refused it: there never was a container. */
function wasNeverTaken(task: Task): boolean {
  return isConditionTrue(task, 'Complete') && !hasStarted(task) && task.status?.exitCode === undefined
}

function stateOf(task: Task): ContainerState {
  const complete = findCondition(task, 'Complete')
  if (complete?.status === 'True') return { terminated: ended(task, complete) }
  const { phase, startedAt } = task.status ?? {}
  if (phase === 'Running') return { running: { startedAt } }
  // What is paused, or on a node that does not report, was running when it was last seen.
  if ((phase === 'Paused' || phase === 'Unknown') && hasStarted(task)) return { running: { startedAt } }
  return { waiting: waitingState((['Accepted', 'ImageReady', 'Running'] as const).map((type) => findCondition(task, type))) }
}

const creating = 'ContainerCreating'

/** Kubernetes' words for what our agent waits for; what it has no word for keeps ours. */
const waitingWords: Readonly<Record<string, string>> = {
  Pulling: creating,
  Preparing: creating,
  VolumeFailed: creating,
  ImageNotFound: 'ErrImagePull',
  ImagePullFailed: 'ErrImagePull',
  ConfigMissing: 'CreateContainerConfigError',
  CreateFailed: 'CreateContainerError',
  PortTaken: 'CreateContainerError',
  StartFailed: 'RunContainerError',
}

/** Why it has not started: the first thing on its way that is not there. */
export function waitingState(way: readonly (Condition | undefined)[]): NonNullable<ContainerState['waiting']> {
  const missing = way.find((condition) => condition?.status === 'False')
  const reason = missing?.reason ?? creating
  return { reason: waitingWords[reason] ?? reason, message: missing?.message }
}

/** Kubernetes' words for ends of a container; the others keep ours. */
const endWords: Readonly<Record<string, string>> = {
  Succeeded: 'Completed',
  ExitCode: 'Error',
  Signalled: 'Error',
  CommandNotFound: 'StartError',
  StartFailed: 'StartError',
}

type Terminated = NonNullable<ContainerState['terminated']>

function ended({ status }: Task, complete: Condition): Terminated {
  const reason = complete.reason ?? ''
  return {
    ...exitOf(status),
    reason: endWords[reason] ?? reason,
    message: complete.message,
    startedAt: status?.startedAt,
    finishedAt: status?.finishedAt,
  }
}

/** How the run before the present one ended. When exactly is not kept: at the latest when the present one began. */
function lastState(task: Task): ContainerState | undefined {
  const { status } = task
  if (!status?.restarts || status.exitCode === undefined || isConditionTrue(task, 'Complete')) return undefined
  const running = findCondition(task, 'Running')
  const reason = status.oomKilled ? 'OOMKilled' : status.exitCode === 0 ? 'Completed' : 'Error'
  return {
    terminated: { ...exitOf(status), reason, finishedAt: running?.status === 'True' ? status.startedAt : running?.lastTransitionTime },
  }
}

function exitOf(status: Task['status']): Pick<Terminated, 'exitCode' | 'signal'> {
  const signal = status?.signal === undefined ? undefined : signals[status.signal]
  return { exitCode: status?.exitCode ?? (signal === undefined ? 128 : 128 + signal), signal }
}
const signals: Readonly<Record<string, number | undefined>> = constants.signals
