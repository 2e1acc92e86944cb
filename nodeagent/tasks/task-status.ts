import { type Condition, findCondition, withCondition } from '../../lib/api/condition.js'
import { backendOf, type Task, type TaskStatus } from '../../lib/api/kinds/task.js'
import { taskPhase } from '../../lib/api/task-phase.js'
import { timestamp } from '../../lib/base/clock.js'
import type { ObservedRun } from '../backends/backend.js'
import type { StepFailure } from '../steps/step-failure.js'
import { attemptOf, type Completion, completionOf, describeExit, isBeingDeleted, isRunLost, newestRun } from './completion.js'
import type { TaskActual } from './task-actual.js'
import type { TaskStepType } from './task-step.js'

/** What the agent says about a task: pure, from the task as the API has it and what is there. Conditions of others are kept. */
export function taskStatus(task: Task, actual: TaskActual, nowMs: number): TaskStatus {
  const run = isRunLost(task, actual) ? undefined : newestRun(task, actual)
  const completion = completionOf(task, actual, nowMs)
  const said = saidOf(task, actual, run, completion)
  let conditions: readonly Condition[] = task.status?.conditions ?? []
  for (const condition of said)
    conditions = withCondition(conditions, { ...condition, observedGeneration: task.metadata.generation }, nowMs)
  return {
    ...task.status,
    conditions: [...conditions],
    phase: taskPhase(conditions),
    observedGeneration: task.metadata.generation,
    attempt: attemptOf(task),
    ...(run ? { restarts: run.id.run } : {}),
    ...(run?.runtimeId ? { runtimeId: run.runtimeId } : {}),
    ...(run?.address ? { address: run.address } : {}),
    ...(run?.startedAtMs === undefined ? {} : { startedAt: timestamp(run.startedAtMs) }),
    ...exitFields(actual),
    ...(completion && !isComplete(task) ? { finishedAt: timestamp(run?.exit?.finishedAtMs ?? nowMs) } : {}),
  }
}

type Said = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>
const isComplete = (task: Task) => findCondition(task, 'Complete')?.status === 'True'

function saidOf(task: Task, actual: TaskActual, run: ObservedRun | undefined, completion: Completion | undefined): Said[] {
  const running = runningSaid(task, actual, run, completion)
  const said = [acceptedSaid(actual, run, completion), ...imageSaid(task, actual, run), running, readySaid(task, actual, running)]
  // Whoever ended the task first (its deadline, an eviction) keeps the last word; it holds for what the task asks now too.
  const before = findCondition(task, 'Complete')
  if (before?.status === 'True') said.push(keep(before))
  else if (completion) said.push({ type: 'Complete', status: 'True', ...completion })
  return said
}

function acceptedSaid(actual: TaskActual, run: ObservedRun | undefined, completion: Completion | undefined): Said {
  const refused = failureOf(actual, ['admit'])
  if (refused && !run) return { type: 'Accepted', status: 'False', reason: refused.reason, message: refused.message }
  if (completion?.reason === 'Unsupported') return { type: 'Accepted', status: 'False', ...completion }
  return { type: 'Accepted', status: 'True', reason: 'Accepted', message: 'the agent of the node takes care of the task' }
}

function imageSaid(task: Task, actual: TaskActual, run: ObservedRun | undefined): Said[] {
  const { image } = task.spec
  if (backendOf(task.spec) !== 'docker' || !image) return []
  const failure = failureOf(actual, ['prepareImage'])
  if (failure) return [{ type: 'ImageReady', status: 'False', reason: failure.reason, message: failure.message }]
  if (actual.prepared.image || run) return [{ type: 'ImageReady', status: 'True', reason: 'Present', message: `${image} is on the node` }]
  return [{ type: 'ImageReady', status: 'False', reason: 'Pulling', message: actual.pullProgress ?? `${image} is being looked for` }]
}

function runningSaid(task: Task, actual: TaskActual, run: ObservedRun | undefined, completion: Completion | undefined): Said {
  const not = (reason: string, message: string): Said => ({ type: 'Running', status: 'False', reason, message })
  if (run?.state === 'running') return { type: 'Running', status: 'True', reason: 'Started', message: `run ${run.id.run} was started` }
  if (run?.state === 'paused') return not('Paused', 'the task is suspended; it keeps its memory')
  if (completion) return not('Ended', completion.message)
  // Its run may be gone by now; what was said of it stands.
  if (isComplete(task)) return not('Ended', findCondition(task, 'Running')?.message ?? 'the task is over')
  if (isBeingDeleted(task)) return not('Stopping', 'the task is being deleted')
  if (task.spec.suspend) return not('Paused', 'the task is suspended and was not started')
  const failure = failureOf(actual, ['prepareVolumes', 'start'])
  if (failure) return not(failure.reason, failure.message)
  const last = run?.exit ? describeExit(run.exit).message : undefined
  if (last === undefined)
    return isRunLost(task, actual) ? not('RunLost', 'its last run is no longer there') : not('Preparing', 'the first run is being prepared')
  return (actual.ledger?.streak ?? 0) > 0
    ? not('CrashLoopBackOff', `${last}; the next run waits, because it ended again and again`)
    : not('Restarting', `${last}; it is started again`)
}

function readySaid(task: Task, actual: TaskActual, running: Said): Said {
  const not = (reason: string, message: string): Said => ({ type: 'Ready', status: 'False', reason, message })
  if (running.status !== 'True') return not('NotRunning', 'the task does not run')
  const { probes } = actual
  const before = findCondition(task, 'Ready')
  if (task.spec.startupProbe && probes.started !== true) {
    // After a restart of the agent the first result is still to come: what was said before stands.
    if (probes.started === undefined && before?.status === 'True') return keep(before)
    return not('StartupProbePending', probes.message ?? 'the startup probe has not succeeded yet')
  }
  if (!task.spec.readinessProbe)
    return { type: 'Ready', status: 'True', reason: 'Started', message: 'the task runs and has no readiness probe' }
  if (probes.ready === undefined && before?.status === 'True') return keep(before)
  return probes.ready === true
    ? { type: 'Ready', status: 'True', reason: 'Probed', message: 'the readiness probe succeeds' }
    : not('ProbeFailing', probes.message ?? 'the readiness probe has not succeeded yet')
}

const keep = ({ type, status, reason, message }: Condition): Said => ({ type, status, reason, message })

function failureOf(actual: TaskActual, types: readonly TaskStepType[]): StepFailure<TaskStepType> | undefined {
  return actual.failures.find(({ type }) => types.includes(type))
}

/** How the last run that ended did so; the current one may still run. */
function exitFields(actual: TaskActual): Partial<TaskStatus> {
  const ended = actual.runs.filter(({ exit }) => exit !== undefined)
  const last = ended.reduce<ObservedRun | undefined>((newest, run) => (newest && isNewer(newest, run) ? newest : run), undefined)
  if (!last?.exit) return {}
  const { exitCode, signal, oomKilled } = last.exit
  return { exitCode, signal, oomKilled: oomKilled || undefined }
}

const isNewer = (a: ObservedRun, b: ObservedRun) => a.id.attempt > b.id.attempt || (a.id.attempt === b.id.attempt && a.id.run > b.id.run)
