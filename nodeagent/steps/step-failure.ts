/** A step that failed and has not succeeded since. */
export interface StepFailure<Type extends string> {
  readonly type: Type
  /** Becomes a condition's reason. */
  readonly reason: string
  readonly message: string
  /** Whether trying again may help. */
  readonly retryable: boolean
  /** How often it failed in a row, from 1. */
  readonly count: number
  readonly retryAtMs: number
}

/** Nothing to do before this time; wall clock, milliseconds. */
export interface WaitStep {
  readonly type: 'wait'
  readonly untilMs: number
}

/** A step that failed is tried again when its time has come; nothing behind it is done before. */
export function waitForRetries<S extends { readonly type: string }>(
  steps: readonly S[],
  failures: readonly StepFailure<string>[],
  nowMs: number,
): (S | WaitStep)[] {
  const index = steps.findIndex((step) => failures.some(({ type, retryAtMs }) => type === step.type && retryAtMs > nowMs))
  if (index < 0) return [...steps]
  const failure = failures.find(({ type }) => type === steps[index]?.type)
  return [...steps.slice(0, index), { type: 'wait', untilMs: failure?.retryAtMs ?? nowMs }]
}

/** Whether two steps are the same; a step under way goes on while the plan still begins with it. */
export function isSameStep(a: object | undefined, b: object | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
