/**
 * The loop of one object: look, plan, do the plan's first step, report, and again, until there is nothing to do but wait. One step runs at a time.
 * It is woken by changes of the object, hints of a backend, and time; what woke it does not matter. What is done for a Task and what for a Vps differs
 * in the plan and in the steps, not in this.
 */
import type { ObjectMeta } from '../lib/api/object-meta.js'
import { type Clock, sleep, systemClock, type Timer } from '../lib/base/clock.js'
import type { Logger } from '../lib/base/log.js'
import type { EventRecorder } from '../lib/client/events/event-recorder.js'
import { describeFailure } from './execute/step-error.js'
import { retryDelayMs } from './plan/crash-backoff.js'
import { isSameStep, type StepFailure, type WaitStep } from './plan/step-failure.js'
import { type StatusClient, StatusReporter } from './report/status-reporter.js'

export interface LoopObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMeta
  readonly status?: object
}

export interface StepLoopOptions<T> {
  readonly objects: StatusClient<T>
  readonly clock: Clock
  readonly log: Logger
  readonly events: EventRecorder
  readonly uid: string
  /** Ends the loop; what runs on the node goes on. */
  readonly signal: AbortSignal
  /** Called when nothing of the object is left and the API knows no more of it. */
  readonly onGone: () => void
}

/** How the steps of a kind are done. */
export interface StepRules<Type extends string> {
  /** What the reason of a failure is called that names none itself. */
  readonly failureReasons: Readonly<Partial<Record<Type, string>>>
  /** How long a step may take, where it is more than usual; a step with a grace has it besides. */
  readonly deadlineMs: Readonly<Partial<Record<Type, number>>>
  /** Steps that are broken off when the plan no longer begins with them. The others are short, and their outcome must be seen. */
  readonly interruptible: ReadonlySet<Type>
}

const usualDeadlineMs = 120_000

/** A step is one of the kind's own, or the wait for a time. */
export abstract class StepLoop<T extends LoopObject, S extends { readonly type: string; readonly graceMs?: number }, A> {
  protected object: T | undefined
  protected failures: readonly StepFailure<S['type']>[] = []
  /** What was seen last. */
  protected last: A | undefined
  private underWay: { readonly step: S; readonly interrupt: AbortController } | undefined
  private woken = false
  private working: Promise<void> | undefined
  private timer: Timer | undefined
  private lookFailures = 0
  private readonly reporter: StatusReporter<T>

  constructor(
    private readonly options: StepLoopOptions<T>,
    private readonly rules: StepRules<S['type']>,
  ) {
    const { objects, clock, log, signal } = options
    this.reporter = new StatusReporter({ objects, clock, log, signal, onWritten: (object) => this.onWritten(object) })
  }

  /** What is there. With what this loop remembers. */
  protected abstract look(signal: AbortSignal): Promise<A>
  /** What to do next; pure. */
  protected abstract plan(object: T | undefined, actual: A, nowMs: number): readonly (S | WaitStep)[]
  /** What is said of it; pure. */
  protected abstract statusOf(object: T, actual: A, nowMs: number): NonNullable<T['status']>
  protected abstract execute(step: S, signal: AbortSignal): Promise<void>
  /** Whether nothing of it is on the node. */
  protected abstract isNothing(actual: A): boolean
  /** What may be said when it could not be looked at; undefined: nothing new. */
  protected abstract unseen(error: unknown): A | undefined
  protected onSucceeded(_step: S): void {}
  protected onFailed(_step: S, _reason: string): void {}

  /** The object as the API has it; undefined when it does not bind it here any more. */
  setObject(object: T | undefined): void {
    if (object && this.object && isOlder(object, this.object)) return
    this.object = object
    this.interruptIfSuperseded()
    this.wake()
  }

  wake(): void {
    this.woken = true
    if (this.options.signal.aborted) return
    this.working ??= this.work().finally(() => {
      this.working = undefined
      if (this.woken && !this.options.signal.aborted) this.wake()
    })
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.working) await this.working
    await this.reporter.flushed()
  }

  protected report(actual: A): void {
    const { object } = this
    if (object) this.reporter.report(object, (current) => this.statusOf(current, actual, this.options.clock.now()))
  }

  /** The object as it stands after a write. */
  protected onWritten(object: T): void {
    if (object.metadata.uid !== this.options.uid || !this.object || isOlder(object, this.object)) return
    this.object = object
  }

  private async work(): Promise<void> {
    const { signal, log } = this.options
    while (this.woken && !signal.aborted) {
      this.woken = false
      this.timer?.cancel()
      try {
        await this.turn()
      } catch (error) {
        if (signal.aborted) return
        // What is there is not known, so nothing may be done about it.
        log.warn({ err: error }, 'it could not be looked at; it is tried again')
        const unseen = this.unseen(error)
        if (unseen !== undefined) this.report(unseen)
        await sleep(systemClock, retryDelayMs(++this.lookFailures), signal).catch(() => {})
        this.woken = true
      }
    }
  }

  private async turn(): Promise<void> {
    const { clock, onGone } = this.options
    const actual = await this.look(this.deadline())
    this.lookFailures = 0
    this.last = actual
    this.report(actual)
    const now = clock.now()
    const [step] = this.plan(this.object, actual, now)
    if (!step) {
      if (!this.object && this.isNothing(actual)) onGone()
    } else if (isWait(step)) {
      this.timer = clock.setTimer(Math.max(0, step.untilMs - now), () => this.wake())
    } else {
      await this.take(step)
      this.woken = true
    }
  }

  private async take(step: S): Promise<void> {
    const { signal } = this.options
    const interrupt = new AbortController()
    const deadline = AbortSignal.timeout((this.rules.deadlineMs[step.type as S['type']] ?? usualDeadlineMs) + (step.graceMs ?? 0))
    this.underWay = { step, interrupt }
    try {
      await this.execute(step, AbortSignal.any([signal, interrupt.signal, deadline]))
      this.failures = this.failures.filter(({ type }) => type !== step.type)
      this.onSucceeded(step)
    } catch (error) {
      if (signal.aborted || interrupt.signal.aborted) return
      this.failed(step, error)
    } finally {
      this.underWay = undefined
    }
  }

  private failed(step: S, error: unknown): void {
    const { clock, log, events } = this.options
    const type: S['type'] = step.type
    const count = (this.failures.find((failure) => failure.type === type)?.count ?? 0) + 1
    const described = describeFailure(error, this.rules.failureReasons[type] ?? 'StepFailed')
    const failure = { type, ...described, count, retryAtMs: clock.now() + retryDelayMs(count) }
    this.failures = [...this.failures.filter((other) => other.type !== type), failure]
    this.onFailed(step, described.reason)
    log.warn({ step, err: error }, 'a step failed')
    if (this.object) events.record(this.object, 'Warning', described.reason, described.message)
  }

  private interruptIfSuperseded(): void {
    const { underWay, last } = this
    if (!underWay || last === undefined || !this.rules.interruptible.has(underWay.step.type)) return
    const [first] = this.plan(this.object, this.remembering(last), this.options.clock.now())
    if (!isSameStep(first, underWay.step)) underWay.interrupt.abort(new Error('something else is to be done now'))
  }

  /** What was seen, with what the loop remembers now. */
  protected abstract remembering(actual: A): A

  private deadline(): AbortSignal {
    return AbortSignal.any([this.options.signal, AbortSignal.timeout(usualDeadlineMs)])
  }
}

const isWait = (step: { readonly type: string }): step is WaitStep => step.type === 'wait'

/** Revisions of one cluster are whole numbers that grow; whatever is none counts as new. */
function isOlder(a: LoopObject, b: LoopObject): boolean {
  const [left, right] = [a, b].map(({ metadata }) =>
    /^\d+$/.test(metadata.resourceVersion) ? BigInt(metadata.resourceVersion) : undefined,
  )
  return a.metadata.uid === b.metadata.uid && left !== undefined && right !== undefined && left < right
}
