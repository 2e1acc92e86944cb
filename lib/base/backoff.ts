/** Exponential back-off: how long to wait before the nth retry. */
export interface BackoffOptions {
  /** Delay before the first retry, milliseconds. */
  readonly initialMs: number
  /** Upper bound of the delay, milliseconds. */
  readonly maxMs: number
  /** Growth per attempt. Default 2. */
  readonly factor?: number
  /** `full`: uniform in [0, delay); `none`: the delay itself. Default `full`. */
  readonly jitter?: 'full' | 'none'
  /** Source of randomness in [0, 1). Default Math.random. */
  readonly random?: () => number
}

/** Milliseconds to wait before retry number `attempt` (0 is the first retry). */
export function backoffDelayMs(attempt: number, options: BackoffOptions): number {
  const { initialMs, maxMs, factor = 2, jitter = 'full', random = Math.random } = options
  const delayMs = Math.min(maxMs, initialMs * factor ** Math.min(attempt, 1000))
  return jitter === 'none' ? delayMs : delayMs * random()
}
