/**
 * The loop of one object: look, plan, do the plan's first step, report, and again, until there is nothing to do but wait. One step runs at
 * a time. It is woken by changes of the object, hints of a backend, and time; what woke it does not matter. What is done for a Task and
 * what for a Vps differs in the plan and in the steps, not in this.
 */
import type { ObjectMeta } from '../../lib/api/object-meta.js'
import { sleep, systemClock, type Timer } from '../../lib/base/clock.js'
import type { Logger } from '../../lib/base/log.js'
import type { AgentParts } from '../agent-parts.js'
import { isFull } from '../files/full-disk.js'
import { retryDelayMs, retryForRoomDelayMs } from './crash-backoff.js'
import { isOlder } from './is-older.js'
import type { Remembered } from './remembered.js'
import { type StatusClient, StatusReporter } from './status-reporter.js'
import type { Executors, StepContext } from './step-context.js'
import { describeFailure } from './step-error.js'
import { isSameStep, type WaitStep } from './step-failure.js'

export interface LoopObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMeta
  readonly status?: object
}

export interface StepLoopOptions<T> {
  readonly parts: AgentParts
  readonly objects: StatusClient<T>
  readonly log: Logger
  readonly uid: string
  /** Ends the loop; what runs on the node goes on. */
  readonly signal: AbortSignal
  /** Called when nothing of the object is left and the API knows no more of it. */
  readonly onGone: () => void
}

interface LoopStep {
  readonly type: string
  readonly graceMs?: number
}

/** How the steps of a kind are done. */
export interface StepRules<T, S extends LoopStep, B> {
  readonly executors: Executors<S, T, B>
  /** What the reason of a failure is called that names none itself. */
  readonly failureReasons: Readonly<Partial<Record<S['type'], string>>>
  /** How long a step may take, where it is more than usual; a step with a grace has it besides. */
  readonly deadlineMs: Readonly<Partial<Record<S['type'], number>>>
  /** Steps that are broken off when the plan no longer begins with them. Of the others the outcome must be seen. */
  readonly interruptible: ReadonlySet<S['type']>
  /** Steps that break a part of themselves off then; see StepContext.superseded. Default: none. */
  readonly interruptibleInPart?: ReadonlySet<S['type']>
}

const usualDeadlineMs = 120_000

/** The loop of a T, by steps S that are planned from what is actually there, A, and done on a backend B. */
export abstract class StepLoop<T extends LoopObject, S extends LoopStep, A extends Remembered<S['type']>, B> {
  protected object: T | undefined
  protected remembered: Remembered<S['type'], A['prepared']>
  /** What was seen last. */
  protected last: A | undefined
  private underWay: { readonly step: S; readonly interrupt: AbortController } | undefined
  private woken = false
  private working: Promise<void> | undefined
  private timer: Timer | undefined
  private lookFailures = 0
  private starts = 0
  private readonly reporter: StatusReporter<T>

  constructor(
    private readonly options: StepLoopOptions<T>,
    private readonly rules: StepRules<T, S, B>,
    nothing: A,
  ) {
    const { objects, parts, log, signal } = options
    this.remembered = { prepared: nothing.prepared, failures: nothing.failures }
    this.reporter = new StatusReporter({ objects, clock: parts.clock, log, signal, onWritten: (object) => this.onWritten(object) })
  }

  protected abstract get backend(): B | undefined
  /** What is there. What the loop remembers is added to it. */
  protected abstract look(signal: AbortSignal): Promise<A>
  /** What to do next; pure. */
  protected abstract plan(object: T | undefined, actual: A, nowMs: number): readonly (S | WaitStep)[]
  /** What is said of it; pure. */
  protected abstract statusOf(object: T, actual: A, nowMs: number): NonNullable<T['status']>
  /** What is ready for the next start when this step was done; pure. */
  protected abstract preparedAfter(step: S, before: A['prepared']): A['prepared']
  /** Whether nothing of it is on the node. */
  protected abstract isNothing(actual: A): boolean
  /** What may be said when it could not be looked at; undefined: nothing new. */
  protected abstract unseen(error: unknown): A | undefined

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

  /**
   * Says what was seen of the object as it is now, and of what it has become when that is written. Of what it has become
   * meanwhile nothing is said once something was started that `actual` does not show: where it is now told to end, it
   * would be said to have ended. The turn after the start says it.
   */
  private report(actual: A): void {
    const { object, starts } = this
    if (!object) return
    this.reporter.report(object, (current) =>
      current !== object && this.starts !== starts
        ? ((current.status ?? {}) as NonNullable<T['status']>)
        : this.statusOf(current, actual, this.options.parts.clock.now()),
    )
  }

  /** The object as it stands after a write. */
  private onWritten(object: T): void {
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
    const { parts, onGone } = this.options
    const { clock } = parts
    const actual = this.remembering(await this.look(this.deadline()))
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
    const beganMs = this.options.parts.clock.monotonic()
    if (step.type === 'start') this.starts++
    const ends = [signal, deadline, ...(this.rules.interruptible.has(step.type) ? [interrupt.signal] : [])]
    try {
      await this.execute(step, AbortSignal.any(ends), interrupt.signal)
      this.succeeded(step)
    } catch (error) {
      if (signal.aborted || interrupt.signal.aborted) return
      this.failed(step, error, this.options.parts.clock.monotonic() - beganMs)
    } finally {
      this.underWay = undefined
    }
  }

  private execute(step: S, signal: AbortSignal, superseded: AbortSignal): Promise<void> {
    const executor = this.rules.executors[step.type as S['type']] as (step: S, context: StepContext<T, B>) => Promise<void>
    return executor(step, {
      parts: this.options.parts,
      uid: this.options.uid,
      object: this.object,
      backend: this.backend,
      signal,
      superseded,
      onPullProgress: (text) => this.onPullProgress(text),
      onWritten: (object) => this.onWritten(object),
      onGone: () => {
        this.object = undefined
      },
    })
  }

  private onPullProgress(pullProgress: string): void {
    if (!this.last) return
    this.remembered = { ...this.remembered, pullProgress }
    this.report(this.remembering(this.last))
  }

  private succeeded(step: S): void {
    const { prepared, failures } = this.remembered
    this.remembered = { prepared: this.preparedAfter(step, prepared), failures: failures.filter(({ type }) => type !== step.type) }
  }

  private failed(step: S, error: unknown, tookMs: number): void {
    const { parts, log } = this.options
    const { prepared, failures } = this.remembered
    const type: S['type'] = step.type
    const count = (failures.find((failure) => failure.type === type)?.count ?? 0) + 1
    const described = describeFailure(error, this.rules.failureReasons[type] ?? 'StepFailed')
    const now = parts.clock.now()
    // Registries count who asks them.
    const mayHurry = isFull(error) && described.reason !== 'ImagePullFailed'
    const delayMs = mayHurry ? retryForRoomDelayMs(count, tookMs) : retryDelayMs(count)
    const failure = { type, ...described, count, retryAtMs: now + delayMs }
    this.remembered = {
      // Somebody removed the image after it was found: it is looked for again.
      prepared: { ...prepared, image: prepared.image && described.reason !== 'ImageNotFound' },
      failures: [...failures.filter((other) => other.type !== type), failure],
    }
    log.warn({ step, err: error }, 'a step failed')
    if (this.object) parts.events.record(this.object, 'Warning', described.reason, described.message)
  }

  private interruptIfSuperseded(): void {
    const { underWay, last } = this
    if (!underWay || last === undefined) return
    const { interruptible, interruptibleInPart } = this.rules
    if (!interruptible.has(underWay.step.type) && !interruptibleInPart?.has(underWay.step.type)) return
    const [first] = this.plan(this.object, this.remembering(last), this.options.parts.clock.now())
    if (!isSameStep(first, underWay.step)) underWay.interrupt.abort(new Error('something else is to be done now'))
  }

  /** What was seen, with what the loop remembers now. */
  private remembering(actual: A): A {
    return { ...actual, ...this.remembered }
  }

  private deadline(): AbortSignal {
    return AbortSignal.any([this.options.signal, AbortSignal.timeout(usualDeadlineMs)])
  }
}

const isWait = (step: { readonly type: string }): step is WaitStep => step.type === 'wait'
