/**
 * What to do next about one workload: a pure function of what the API wants, what is on the node, and the time. It works from the state
 * that it sees, never from what happened; its steps may be done any number of times, and after each of them it is asked again.
 *
 *     planTask(task, nothing, now)   // [{ type: 'prepareVolumes', … }, { type: 'start', id: { uid, attempt: 0, run: 0 }, … }]
 *
 * The rules that it keeps, whatever it is given: one run of one attempt at a time; what runs is not started; a workload that the API no
 * longer binds to this node, or that is being deleted, ends with nothing left.
 */
import { isConditionTrue } from '../../lib/api/condition.js'
import { disruptionOf } from '../../lib/api/disruption.js'
import { backendOf, type Task } from '../../lib/api/kinds/task.js'
import { nodeCleanupFinalizer } from '../../lib/api/kinds/workload.js'
import type { ObservedRun } from '../backends/backend.js'
import { resolvePullPolicy } from '../backends/pull-policy.js'
import { nextStreak, restartWaitMs } from '../steps/crash-backoff.js'
import { waitForRetries } from '../steps/step-failure.js'
import { attemptOf, completionOf, deadlineOf, isRunLost, newestRun } from './completion.js'
import { isAlive, type TaskActual } from './task-actual.js'
import type { TaskStep } from './task-step.js'

/** How long a workload has to end that the API does not know any more. */
const strayGraceMs = 10_000

/** `task` undefined: the API binds no such workload to this node, as a complete list said. */
export function planTask(task: Task | undefined, actual: TaskActual, nowMs: number): TaskStep[] {
  const steps = task && !task.metadata.deletionTimestamp ? planKept(task, actual, nowMs) : planRemoval(task, actual)
  return waitForRetries(steps, actual.failures, nowMs)
}

function planRemoval(task: Task | undefined, actual: TaskActual): TaskStep[] {
  const graceMs = task ? (task.metadata.deletionGracePeriodSeconds ?? task.spec.terminationGracePeriodSeconds) * 1000 : strayGraceMs
  return [
    ...endRuns(actual.runs, graceMs),
    ...actual.runs.map(({ id }): TaskStep => ({ type: 'removeRun', id })),
    ...(actual.files.any ? [{ type: 'removeFiles' } as const] : []),
    ...(task?.metadata.finalizers?.includes(nodeCleanupFinalizer) ? [{ type: 'releaseFinalizer' } as const] : []),
  ]
}

function planKept(task: Task, actual: TaskActual, nowMs: number): TaskStep[] {
  const graceMs = task.spec.terminationGracePeriodSeconds * 1000
  const newest = newestRun(task, actual)
  // Other attempts end before this one starts. Of this one, the run before the newest stays: its log can still be asked for.
  const others = actual.runs.filter(({ id }) => id.attempt !== attemptOf(task))
  const old = actual.runs.filter(({ id }) => id.attempt === attemptOf(task) && newest && id.run < newest.id.run)
  const cleaning: TaskStep[] = [
    ...endRuns([...others, ...old], graceMs),
    ...[...others, ...old.filter(({ id }) => newest && id.run < newest.id.run - 1)].map(({ id }): TaskStep => ({ type: 'removeRun', id })),
  ]
  if (isConditionTrue(task, 'Complete'))
    return [
      ...cleaning,
      ...endRuns(newest ? [newest] : [], graceMs),
      ...(actual.ledger?.hasAddress ? [{ type: 'releaseAddress' } as const] : []),
      ...(actual.files.volumes ? [{ type: 'removeVolumes' } as const] : []),
    ]
  if (completionOf(task, actual, nowMs)) return cleaning
  if (disruptionOf(task)) return [...cleaning, ...endRuns(newest ? [newest] : [], disruptedGraceMs(task))]
  return [
    ...cleaning,
    ...(newest && newest.state !== 'created' && !isRunLost(task, actual)
      ? planRun(task, actual, newest, nowMs)
      : planFirstStart(task, actual, newest, nowMs)),
  ]
}

/** Whoever evicted the attempt may have given it another time to end than its own. */
function disruptedGraceMs({ spec, status }: Task): number {
  return (status?.evictionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds) * 1000
}

/** Nothing has started yet, or an earlier start did not get through. */
function planFirstStart(task: Task, actual: TaskActual, created: ObservedRun | undefined, nowMs: number): TaskStep[] {
  if (task.spec.suspend) return []
  if (isRunLost(task, actual))
    return planRestart(task, actual, { run: actual.ledger?.run ?? 0, streak: (actual.ledger?.streak ?? 0) + 1, endedAtMs: 0 }, nowMs)
  const ledger = actual.ledger?.attempt === attemptOf(task) ? actual.ledger : undefined
  return planStart(task, actual, created?.id.run ?? ledger?.run ?? 0, ledger?.streak ?? 0)
}

function planRun(task: Task, actual: TaskActual, run: ObservedRun, nowMs: number): TaskStep[] {
  const graceMs = task.spec.terminationGracePeriodSeconds * 1000
  if (run.state === 'unknown') return [{ type: 'stop', id: run.id, graceMs: 0 }]
  if (run.state === 'exited') {
    if (task.spec.suspend) return []
    const streak = nextStreak(actual.ledger?.streak ?? 0, run)
    return planRestart(task, actual, { run: run.id.run, streak, endedAtMs: run.exit?.finishedAtMs ?? nowMs }, nowMs)
  }
  const deadline = deadlineOf(task, actual)
  if (nowMs >= deadline) return [{ type: 'stop', id: run.id, graceMs }]
  if (actual.probes.live === false || actual.probes.started === false) return [{ type: 'stop', id: run.id, graceMs }]
  const untilDeadline: TaskStep[] = Number.isFinite(deadline) ? [{ type: 'wait', untilMs: deadline }] : []
  if (task.spec.suspend && run.state === 'running') return [{ type: 'pause', id: run.id }, ...untilDeadline]
  if (!task.spec.suspend && run.state === 'paused') return [{ type: 'resume', id: run.id }, ...untilDeadline]
  return untilDeadline
}

function planRestart(task: Task, actual: TaskActual, last: { run: number; streak: number; endedAtMs: number }, nowMs: number): TaskStep[] {
  const leftMs = restartWaitMs(last.streak, last.endedAtMs, nowMs)
  if (leftMs > 0) return [{ type: 'wait', untilMs: nowMs + leftMs }]
  return planStart(task, actual, last.run + 1, last.streak)
}

function planStart(task: Task, actual: TaskActual, run: number, streak: number): TaskStep[] {
  const { prepared } = actual
  const attempt = attemptOf(task)
  const steps: TaskStep[] = []
  if (!prepared.admission) steps.push({ type: 'admit' })
  if (backendOf(task.spec) !== 'process' && task.spec.image && !prepared.image)
    steps.push({ type: 'prepareImage', image: task.spec.image, policy: resolvePullPolicy(task.spec.image, task.spec.imagePullPolicy) })
  if (prepared.volumesOfAttempt !== attempt) steps.push({ type: 'prepareVolumes', attempt })
  return [...steps, { type: 'start', id: { uid: task.metadata.uid, attempt, run }, streak }]
}

function endRuns(runs: readonly ObservedRun[], graceMs: number): TaskStep[] {
  return runs.filter(isAlive).map(({ id, state }): TaskStep => ({ type: 'stop', id, graceMs: state === 'unknown' ? 0 : graceMs }))
}
