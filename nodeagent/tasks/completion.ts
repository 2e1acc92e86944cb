import { disruptionOf } from '../../lib/api/disruption.js'
import type { Task } from '../../lib/api/kinds/task.js'
import type { ObservedRun, RunExit } from '../backends/backend.js'
import { isAlive, type TaskActual } from './task-actual.js'
import type { TaskStepType } from './task-step.js'

/** How a task ended: the reason and message of its Complete condition. */
export interface Completion {
  readonly reason: string
  readonly message: string
}

/** The attempt that the API asks for. */
export const attemptOf = (task: Task) => task.status?.attempt ?? 0

/** The newest run of the task's attempt, if any is there. */
export function newestRun(task: Task, actual: TaskActual): ObservedRun | undefined {
  return actual.runs
    .filter(({ id }) => id.attempt === attemptOf(task))
    .reduce<ObservedRun | undefined>((newest, run) => (newest && newest.id.run > run.id.run ? newest : run), undefined)
}

export const isBeingDeleted = (task: Task) => task.metadata.deletionTimestamp != null

/** When the task must have ended; wall clock, milliseconds. */
export function deadlineOf(task: Task, actual: TaskActual): number {
  const { ledger } = actual
  if (task.spec.activeDeadlineSeconds === undefined || ledger?.attempt !== attemptOf(task)) return Number.POSITIVE_INFINITY
  return ledger.attemptStartedAtMs + task.spec.activeDeadlineSeconds * 1000
}

/**
 * Whether the attempt's last run was started and no longer is there: removed behind the agent's
 * back, or on a disk that was lost. A run before it may still be.
 */
export function isRunLost(task: Task, actual: TaskActual): boolean {
  const newest = newestRun(task, actual)
  const { ledger } = actual
  if (ledger?.attempt === attemptOf(task)) return ledger.started && (newest === undefined || newest.id.run < ledger.run)
  return newest === undefined && task.status?.startedAt !== undefined
}

/** How the task's attempt ended for good, judged from what is there alone; undefined while it goes on or may be restarted. */
export function completionOf(task: Task, actual: TaskActual, nowMs: number): Completion | undefined {
  const refused = actual.failures.find(({ type, retryable }) => !retryable && onTheWayToStart.has(type))
  if (refused) return { reason: refused.reason, message: refused.message }
  const disruption = disruptionOf(task)
  if (disruption && actual.runs.some(isAlive)) return undefined
  const run = newestRun(task, actual)
  // Whatever a run said when it was asked to end: that was no end of its own. One that had done its work before is not begun again.
  if (disruption && !hasSucceededByItself(run, actual)) return disruption
  // What is being deleted is not restarted, and its run goes with it.
  const isLost = !isBeingDeleted(task) && isRunLost(task, actual)
  const end = completionOfEnd(task, actual, isLost ? lostExit : run?.state === 'exited' ? run.exit : undefined, nowMs)
  return end ?? disruption
}

/** Whether the run ended well before the agent asked it to; as it is the ledger that knows, no clocks are compared. */
function hasSucceededByItself(run: ObservedRun | undefined, { ledger }: TaskActual): boolean {
  if (run?.state !== 'exited' || !run.exit || describeExit(run.exit).reason !== 'Succeeded') return false
  return ledger?.attempt === run.id.attempt && ledger.run === run.id.run && !ledger.stopped
}

function completionOfEnd(task: Task, actual: TaskActual, exit: RunExit | undefined, nowMs: number): Completion | undefined {
  if (!exit) return undefined
  const deadline = deadlineOf(task, actual)
  if (exit.finishedAtMs >= deadline) return deadlineExceeded(task)
  const ended = describeExit(exit)
  const { restartPolicy, backoffLimit } = task.spec
  if (restartPolicy === 'Never' || isBeingDeleted(task) || (restartPolicy === 'OnFailure' && ended.reason === 'Succeeded')) return ended
  const restarts = Math.max(newestRun(task, actual)?.id.run ?? 0, isRunLost(task, actual) ? (actual.ledger?.run ?? 0) : 0)
  if (restartPolicy === 'OnFailure' && restarts >= backoffLimit)
    return {
      reason: 'BackoffLimitExceeded',
      message: `failed ${restarts + 1} times, the limit of restarts is ${backoffLimit}; last: ${ended.message}`,
    }
  return nowMs >= deadline ? deadlineExceeded(task) : undefined
}

const onTheWayToStart: ReadonlySet<TaskStepType> = new Set<TaskStepType>(['admit', 'prepareImage', 'prepareVolumes', 'start'])

const lostExit: RunExit = {
  exitCode: 255,
  oomKilled: false,
  finishedAtMs: 0,
  failure: { reason: 'RunLost', message: 'it was started and is no longer there; its exit code is unknown' },
}

const deadlineExceeded = (task: Task): Completion => ({
  reason: 'DeadlineExceeded',
  message: `ran for its activeDeadlineSeconds of ${task.spec.activeDeadlineSeconds}`,
})

/** One run's end, in words. */
export function describeExit(exit: RunExit): Completion {
  if (exit.failure) return { reason: exit.failure.reason, message: exit.failure.message }
  if (exit.oomKilled) return { reason: 'OOMKilled', message: 'ended by the kernel or the agent: it used more memory than its limit' }
  if (exit.signal) return { reason: 'Signalled', message: `ended by ${exit.signal}` }
  return exit.exitCode === 0
    ? { reason: 'Succeeded', message: 'ended with exit code 0' }
    : { reason: 'ExitCode', message: `ended with exit code ${exit.exitCode}` }
}
