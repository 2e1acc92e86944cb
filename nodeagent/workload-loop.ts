import { backendOf, Task, type TaskStatus } from '../lib/api/kinds/task.js'
import type { Backend, ObservedRun } from './backends/backend.js'
import { executors } from './execute/executors.js'
import { describeFailure } from './execute/step-error.js'
import type { AgentParts, StepContext } from './execute/workload-context.js'
import { type Actual, nothing } from './plan/actual.js'
import { newestRun } from './plan/completion.js'
import { planSteps } from './plan/plan.js'
import type { ExecutableStep, StepType } from './plan/step.js'
import { RunProbes } from './probes/run-probes.js'
import { taskStatus } from './report/task-status.js'
import { StepLoop, type StepRules } from './step-loop.js'

const rules: StepRules<StepType> = {
  failureReasons: {
    admit: 'BackendUnavailable',
    prepareImage: 'ImagePullFailed',
    prepareVolumes: 'VolumeFailed',
    start: 'StartFailed',
  },
  deadlineMs: { prepareImage: 3_600_000 },
  interruptible: new Set<StepType>(['admit', 'prepareImage', 'stop']),
}

/** The loop of one Task on its node. */
export class WorkloadLoop extends StepLoop<Task, ExecutableStep, Actual> {
  private remembered: Pick<Actual, 'prepared' | 'pullProgress'> = { prepared: nothing.prepared }
  private readonly probes: RunProbes

  constructor(
    private readonly parts: AgentParts,
    readonly uid: string,
    signal: AbortSignal,
    onGone: () => void,
  ) {
    const { client, clock, events } = parts
    super({ objects: client.of(Task), clock, events, log: parts.log.child({ workload: uid }), uid, signal, onGone }, rules)
    this.probes = new RunProbes(parts, () => this.wake())
    signal.addEventListener('abort', () => this.probes.stop(), { once: true })
  }

  /** How long the workload has to end politely. */
  get graceMs(): number {
    return (this.object?.spec.terminationGracePeriodSeconds ?? 0) * 1000
  }

  protected async look(signal: AbortSignal): Promise<Actual> {
    const { ledgers, files } = this.parts
    const runs: ObservedRun[] = []
    // A task's runs are with its backend; of what the API does not know, any backend may have some.
    for (const backend of this.backend ? [this.backend] : this.parts.backends.values())
      runs.push(...(await backend.observe(signal, this.uid)))
    const { uid } = this
    const [ledger, volumes, records] = await Promise.all([ledgers.read(uid), files.hasVolumes(uid), files.hasRecords(uid)])
    const current = this.object && newestRun(this.object, { ...nothing, runs })
    const probes = this.probes.resultsOf(this.object, current, this.backend)
    const found = { ...nothing, runs, ledger, files: { any: records || volumes || ledger !== undefined, volumes }, probes }
    return this.remembering(found)
  }

  protected remembering(actual: Actual): Actual {
    return { ...actual, ...this.remembered, failures: this.failures }
  }

  protected plan = planSteps
  protected statusOf = (task: Task, actual: Actual, nowMs: number): TaskStatus => taskStatus(task, actual, nowMs)

  protected isNothing(actual: Actual): boolean {
    return actual.runs.length === 0 && !actual.files.any
  }

  /** A task that has not begun waits for its backend; of one that runs nothing new is known, and nothing is said. */
  protected unseen(error: unknown): Actual | undefined {
    if ((this.last?.runs.length ?? 0) > 0 || this.object?.status?.startedAt !== undefined) return undefined
    const described = describeFailure(error, 'BackendUnavailable')
    return { ...nothing, failures: [{ type: 'admit', ...described, retryable: true, count: 1, retryAtMs: 0 }] }
  }

  protected execute(step: ExecutableStep, signal: AbortSignal): Promise<void> {
    const context: StepContext = {
      parts: this.parts,
      uid: this.uid,
      task: this.object,
      backend: this.backend,
      signal,
      onPullProgress: (text) => this.onPullProgress(text),
      onWritten: (task) => this.onWritten(task),
      onGone: () => {
        this.object = undefined
      },
    }
    const executor = executors[step.type] as (step: ExecutableStep, context: StepContext) => Promise<void>
    return executor(step, context)
  }

  protected override onSucceeded(step: ExecutableStep): void {
    const { prepared } = this.remembered
    this.remembered = {
      prepared: {
        admission: prepared.admission || step.type === 'admit',
        // A run may have used what was prepared: a Secret is read again, and the image asked for again, before the next one.
        image: step.type === 'start' ? false : prepared.image || step.type === 'prepareImage',
        volumesOfAttempt: step.type === 'prepareVolumes' ? step.attempt : step.type === 'start' ? undefined : prepared.volumesOfAttempt,
      },
    }
  }

  protected override onFailed(_step: ExecutableStep, reason: string): void {
    const { prepared } = this.remembered
    // Somebody removed the image after it was found: it is looked for again.
    this.remembered = { prepared: { ...prepared, image: prepared.image && reason !== 'ImageNotFound' } }
  }

  private onPullProgress(text: string): void {
    if (!this.last) return
    this.remembered = { ...this.remembered, pullProgress: text }
    this.report(this.remembering(this.last))
  }

  private get backend(): Backend | undefined {
    return this.object && this.parts.backends.get(backendOf(this.object.spec))
  }
}
