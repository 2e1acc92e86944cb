import { backendOf, Task, type TaskStatus } from '../../lib/api/kinds/task.js'
import type { AgentParts } from '../agent-parts.js'
import type { Backend, ObservedRun } from '../backends/backend.js'
import { backendUnavailable } from '../steps/step-error.js'
import { StepLoop, type StepRules } from '../steps/step-loop.js'
import { newestRun } from './completion.js'
import { planTask } from './plan-task.js'
import { RunProbes } from './probes/run-probes.js'
import { nothing, type TaskActual } from './task-actual.js'
import { taskExecutors } from './task-executors.js'
import { taskStatus } from './task-status.js'
import type { ExecutableTaskStep } from './task-step.js'

const rules: StepRules<Task, ExecutableTaskStep, Backend> = {
  executors: taskExecutors,
  failureReasons: {
    admit: 'BackendUnavailable',
    prepareImage: 'ImagePullFailed',
    prepareVolumes: 'VolumeFailed',
    start: 'StartFailed',
  },
  deadlineMs: { prepareImage: 3_600_000 },
  interruptible: new Set(['admit', 'prepareImage', 'stop']),
}

/** The loop of one Task on its node. */
export class TaskLoop extends StepLoop<Task, ExecutableTaskStep, TaskActual, Backend> {
  private readonly probes: RunProbes

  constructor(
    private readonly parts: AgentParts,
    private readonly uid: string,
    signal: AbortSignal,
    onGone: () => void,
  ) {
    super({ parts, objects: parts.client.of(Task), log: parts.log.child({ workload: uid }), uid, signal, onGone }, rules, nothing)
    this.probes = new RunProbes(parts, () => this.wake())
    signal.addEventListener('abort', () => this.probes.stop(), { once: true })
  }

  /** How long the workload has to end politely. */
  get graceMs(): number {
    return (this.object?.spec.terminationGracePeriodSeconds ?? 0) * 1000
  }

  protected async look(signal: AbortSignal): Promise<TaskActual> {
    const { ledgers, files } = this.parts
    const runs: ObservedRun[] = []
    // A task's runs are with its backend; of what the API does not know, any backend may have some.
    for (const backend of this.backend ? [this.backend] : this.parts.backends.values())
      runs.push(...(await backend.observe(signal, this.uid)))
    const { uid } = this
    const [ledger, volumes, records] = await Promise.all([ledgers.read(uid), files.hasVolumes(uid), files.hasRecords(uid)])
    const current = this.object && newestRun(this.object, { ...nothing, runs })
    const probes = this.probes.resultsOf(this.object, current, this.backend)
    return { ...nothing, runs, ledger, files: { any: records || volumes || ledger !== undefined, volumes }, probes }
  }

  protected plan = planTask
  protected statusOf = (task: Task, actual: TaskActual, nowMs: number): TaskStatus => taskStatus(task, actual, nowMs)

  protected isNothing(actual: TaskActual): boolean {
    return actual.runs.length === 0 && !actual.files.any
  }

  /** A task that has not begun waits for its backend; of one that runs nothing new is known, and nothing is said. */
  protected unseen(error: unknown): TaskActual | undefined {
    if ((this.last?.runs.length ?? 0) > 0 || this.object?.status?.startedAt !== undefined) return undefined
    return { ...nothing, failures: [backendUnavailable(error)] }
  }

  protected preparedAfter(step: ExecutableTaskStep, before: TaskActual['prepared']): TaskActual['prepared'] {
    return {
      admission: before.admission || step.type === 'admit',
      // A run may have used what was prepared: a Secret is read again, and the image asked for again, before the next one.
      image: step.type === 'start' ? false : before.image || step.type === 'prepareImage',
      volumesOfAttempt: step.type === 'prepareVolumes' ? step.attempt : step.type === 'start' ? undefined : before.volumesOfAttempt,
    }
  }

  protected get backend(): Backend | undefined {
    return this.object && this.parts.backends.get(backendOf(this.object.spec))
  }
}
