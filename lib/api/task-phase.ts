/**
 * The phase of a Task in one word, derived from its conditions and from nothing else, so that whoever writes a condition (scheduler, agent,
 * node lifecycle) derives the same phase:
 *
 *     Complete=True        reason Succeeded → Succeeded, any other reason → Failed
 *     Running=Unknown      → Unknown: the node does not report
 *     Running=True         → Running; Running=False with reason Paused → Paused
 *     Accepted=True        → Preparing: image, volumes, or the wait before a restart
 *     Scheduled=True       → Assigned; nothing of it → Pending
 */
import type { Condition } from './condition.js'
import type { TaskPhase, TaskStatus } from './kinds/task.js'

/** Reasons of the conditions that the node agent writes, by condition. `Complete` is True for every end: the reason says which. */
export const taskReasons = {
  Accepted: ['Accepted', 'Refused', 'Unsupported', 'BackendUnavailable'],
  ImageReady: ['Present', 'Pulling', 'ImageNotFound', 'ImagePullFailed', 'InvalidImageName', 'NotNeeded'],
  Running: [
    'Started',
    'Paused',
    'Preparing',
    'ConfigMissing',
    'VolumeFailed',
    'StartFailed',
    'CreateFailed',
    'PortTaken',
    'CrashLoopBackOff',
    'Restarting',
    'Stopping',
    'Ended',
    'NodeUnreachable',
  ],
  Ready: ['Probed', 'Started', 'ProbeFailing', 'StartupProbePending', 'NotRunning'],
  Complete: [
    'Succeeded',
    'ExitCode',
    'Signalled',
    'OOMKilled',
    'CommandNotFound',
    'StartFailed',
    'InvalidImageName',
    'BackoffLimitExceeded',
    'DeadlineExceeded',
    'RunLost',
    'Refused',
    'Unsupported',
    'Evicted',
    'NodeLost',
  ],
} as const

/** The one reason of `Complete` that means success. */
export const succeededReason = 'Succeeded'

export function taskPhase(conditions: readonly Condition[] | undefined): TaskPhase {
  const of = (type: string) => conditions?.find((condition) => condition.type === type)
  const complete = of('Complete')
  if (complete?.status === 'True') return complete.reason === succeededReason ? 'Succeeded' : 'Failed'
  const running = of('Running')
  if (running?.status === 'Unknown') return 'Unknown'
  if (running?.status === 'True') return 'Running'
  if (running?.reason === 'Paused') return 'Paused'
  if (of('Accepted')?.status === 'True') return 'Preparing'
  return of('Scheduled')?.status === 'True' ? 'Assigned' : 'Pending'
}

/** Whether a run of the Task's attempt has begun, or its end is decided: whether there may be a log. */
export function hasBegun(status: TaskStatus | undefined): boolean {
  if (status?.startedAt !== undefined || status?.finishedAt !== undefined || (status?.restarts ?? 0) > 0) return true
  return !beforeStart.has(status?.phase ?? 'Pending')
}

const beforeStart: ReadonlySet<string> = new Set<TaskPhase>(['Pending', 'Assigned', 'Preparing'])
