/**
 * The loop of one workload: observe, plan, execute the plan's first step, report, and again, until there is nothing to do but wait. One step runs at
 * a time. It is woken by changes of the task, hints of the backend, probes and time; what woke it does not matter.
 */
import { backendOf, type Task } from '../lib/api/kinds/task.js'
import { sleep, systemClock, type Timer } from '../lib/base/clock.js'
import type { Logger } from '../lib/base/log.js'
import type { Backend, ObservedRun } from './backends/backend.js'
import { executors } from './execute/executors.js'
import { describeFailure } from './execute/step-error.js'
import type { AgentParts, StepContext } from './execute/workload-context.js'
import { type Actual, nothing, type StepFailure } from './plan/actual.js'
import { newestRun } from './plan/completion.js'
import { retryDelayMs } from './plan/crash-backoff.js'
import { planSteps } from './plan/plan.js'
import { isSameStep, type Step, type StepOf, type StepType } from './plan/step.js'
import { RunProbes } from './probes/run-probes.js'
import { StatusReporter } from './report/status-reporter.js'
import { taskStatus } from './report/task-status.js'

/** What the reason of a failure is called that names none itself. */
const failureReasons: Readonly<Partial<Record<StepType, string>>> = {
  admit: 'BackendUnavailable',
  prepareImage: 'ImagePullFailed',
  prepareVolumes: 'VolumeFailed',
  start: 'StartFailed',
}

/** How long a step may take; a graceful stop has its grace besides. */
const deadlineMs: Readonly<Partial<Record<StepType, number>>> = { prepareImage: 3_600_000 }
const usualDeadlineMs = 120_000

/** Steps that are broken off when the plan no longer begins with them. The others are short, and their outcome must be seen. */
const interruptible: ReadonlySet<StepType> = new Set<StepType>(['admit', 'prepareImage', 'stop'])

export class WorkloadLoop {
  private task: Task | undefined
  private remembered: Pick<Actual, 'prepared' | 'failures' | 'pullProgress'> = nothing
  private last: Actual | undefined
  private underWay: { readonly step: Step; readonly interrupt: AbortController } | undefined
  private woken = false
  private working: Promise<void> | undefined
  private timer: Timer | undefined
  private observeFailures = 0
  private readonly probes: RunProbes
  private readonly reporter: StatusReporter
  private readonly log: Logger

  constructor(
    private readonly parts: AgentParts,
    readonly uid: string,
    private readonly signal: AbortSignal,
    /** Called when nothing of the workload is left and the API knows no more of it. */
    private readonly onGone: () => void,
  ) {
    this.log = parts.log.child({ workload: uid })
    this.probes = new RunProbes(parts, () => this.wake())
    const { client, clock } = parts
    this.reporter = new StatusReporter({ client, clock, log: this.log, signal, onWritten: (task) => this.onWritten(task) })
    signal.addEventListener('abort', () => this.probes.stop(), { once: true })
  }

  /** The task as the API has it; undefined when it does not bind it here any more. */
  setTask(task: Task | undefined): void {
    if (task && this.task && isOlder(task, this.task)) return
    this.task = task
    this.interruptIfSuperseded()
    this.wake()
  }

  /** How long the workload has to end politely. */
  get graceMs(): number {
    return (this.task?.spec.terminationGracePeriodSeconds ?? 0) * 1000
  }

  wake(): void {
    this.woken = true
    if (this.signal.aborted) return
    this.working ??= this.work().finally(() => {
      this.working = undefined
      if (this.woken && !this.signal.aborted) this.wake()
    })
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.working) await this.working
    await this.reporter.flushed()
  }

  private async work(): Promise<void> {
    while (this.woken && !this.signal.aborted) {
      this.woken = false
      this.timer?.cancel()
      try {
        await this.turn()
      } catch (error) {
        if (this.signal.aborted) return
        // What is there is not known, so nothing may be done about it.
        this.log.warn({ err: error }, 'the workload could not be looked at; it is tried again')
        this.reportUnseen(error)
        await sleep(systemClock, retryDelayMs(++this.observeFailures), this.signal).catch(() => {})
        this.woken = true
      }
    }
  }

  private async turn(): Promise<void> {
    const actual = await this.observe()
    this.observeFailures = 0
    this.last = actual
    this.report(actual)
    const now = this.parts.clock.now()
    const [step] = planSteps(this.task, actual, now)
    if (!step) {
      if (!this.task && actual.runs.length === 0 && !actual.files.any) this.onGone()
    } else if (step.type === 'wait') {
      this.timer = this.parts.clock.setTimer(Math.max(0, step.untilMs - now), () => this.wake())
    } else {
      await this.execute(step)
      this.woken = true
    }
  }

  private async observe(): Promise<Actual> {
    const { ledgers, files } = this.parts
    const runs: ObservedRun[] = []
    // A task's runs are with its backend; of what the API does not know, any backend may have some.
    for (const backend of this.backend ? [this.backend] : this.parts.backends.values())
      runs.push(...(await backend.observe(this.deadline(), this.uid)))
    const { uid } = this
    const [ledger, volumes, records] = await Promise.all([ledgers.read(uid), files.hasVolumes(uid), files.hasRecords(uid)])
    const current = this.task && newestRun(this.task, { ...nothing, runs })
    const probes = this.probes.resultsOf(this.task, current, this.backend)
    return { ...this.remembered, runs, ledger, files: { any: records || volumes || ledger !== undefined, volumes }, probes }
  }

  private report(actual: Actual): void {
    const { task } = this
    if (!task) return
    this.reporter.report(task, (current) => taskStatus(current, actual, this.parts.clock.now()))
  }

  /** A task that has not begun waits for its backend; of one that runs nothing new is known, and nothing is said. */
  private reportUnseen(error: unknown): void {
    if ((this.last?.runs.length ?? 0) > 0 || this.task?.status?.startedAt !== undefined) return
    const { reason, message } = describeFailure(error, 'BackendUnavailable')
    const failure: StepFailure = { type: 'admit', reason, message, retryable: true, count: 1, retryAtMs: 0 }
    this.report({ ...nothing, failures: [failure] })
  }

  private async execute(step: Exclude<Step, StepOf<'wait'>>): Promise<void> {
    const interrupt = new AbortController()
    const graceMs = step.type === 'stop' ? step.graceMs : 0
    const deadline = AbortSignal.timeout((deadlineMs[step.type] ?? usualDeadlineMs) + graceMs)
    this.underWay = { step, interrupt }
    try {
      await executeStep(step, {
        parts: this.parts,
        uid: this.uid,
        task: this.task,
        backend: this.backend,
        signal: AbortSignal.any([this.signal, interrupt.signal, deadline]),
        onPullProgress: (text) => this.onPullProgress(text),
        onWritten: (task) => this.onWritten(task),
        onGone: () => {
          this.task = undefined
        },
      })
      this.succeeded(step)
    } catch (error) {
      if (this.signal.aborted || interrupt.signal.aborted) return
      this.failed(step, error)
    } finally {
      this.underWay = undefined
    }
  }

  private succeeded(step: Step): void {
    const { prepared, failures } = this.remembered
    this.remembered = {
      failures: failures.filter(({ type }) => type !== step.type),
      prepared: {
        admission: prepared.admission || step.type === 'admit',
        // A run may have used what was prepared: a Secret is read again, and the image asked for again, before the next one.
        image: step.type === 'start' ? false : prepared.image || step.type === 'prepareImage',
        volumesOfAttempt: step.type === 'prepareVolumes' ? step.attempt : step.type === 'start' ? undefined : prepared.volumesOfAttempt,
      },
    }
  }

  private failed(step: Step, error: unknown): void {
    const { prepared, failures } = this.remembered
    const before = failures.find(({ type }) => type === step.type)
    const count = (before?.count ?? 0) + 1
    const described = describeFailure(error, failureReasons[step.type] ?? 'StepFailed')
    const failure: StepFailure = { type: step.type, ...described, count, retryAtMs: this.parts.clock.now() + retryDelayMs(count) }
    // Somebody removed the image after it was found: it is looked for again.
    const image = prepared.image && described.reason !== 'ImageNotFound'
    this.remembered = { prepared: { ...prepared, image }, failures: [...failures.filter(({ type }) => type !== step.type), failure] }
    this.log.warn({ step, err: error }, 'a step failed')
    if (this.task) this.parts.events.record(this.task, 'Warning', described.reason, described.message)
  }

  private onPullProgress(text: string): void {
    if (!this.last) return
    this.remembered = { ...this.remembered, pullProgress: text }
    this.report({ ...this.last, ...this.remembered })
  }

  private onWritten(task: Task): void {
    if (task.metadata.uid !== this.uid || !this.task || isOlder(task, this.task)) return
    this.task = task
  }

  private interruptIfSuperseded(): void {
    const { underWay, last } = this
    if (!underWay || !last || !interruptible.has(underWay.step.type)) return
    const [first] = planSteps(this.task, { ...last, ...this.remembered }, this.parts.clock.now())
    if (!isSameStep(first, underWay.step)) underWay.interrupt.abort(new Error('something else is to be done now'))
  }

  private get backend(): Backend | undefined {
    return this.task && this.parts.backends.get(backendOf(this.task.spec))
  }

  private deadline(): AbortSignal {
    return AbortSignal.any([this.signal, AbortSignal.timeout(usualDeadlineMs)])
  }
}

function executeStep(step: Exclude<Step, StepOf<'wait'>>, context: StepContext): Promise<void> {
  const execute = executors[step.type] as (step: Step, context: StepContext) => Promise<void>
  return execute(step, context)
}

/** Revisions of one cluster are whole numbers that grow; whatever is none counts as new. */
function isOlder(a: Task, b: Task): boolean {
  const [left, right] = [a, b].map(({ metadata }) =>
    /^\d+$/.test(metadata.resourceVersion) ? BigInt(metadata.resourceVersion) : undefined,
  )
  return a.metadata.uid === b.metadata.uid && left !== undefined && right !== undefined && left < right
}
