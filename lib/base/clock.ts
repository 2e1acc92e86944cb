/**
 * Time, so that a test can move it. Domain time (leases, back-off, TTLs, deadlines of objects) goes through a Clock; transport timers
 * (keep-alive, watchdogs, request deadlines) are real and do not.
 */
export interface Clock {
  /** Wall-clock time, milliseconds since the epoch. For timestamps that people read; never for durations. */
  now(): number
  /** Monotonic time in milliseconds from an arbitrary origin. For durations. */
  monotonic(): number
  /** Calls `callback` once after `delayMs`; the timer does not keep the process alive. */
  setTimer(delayMs: number, callback: () => void): Timer
}

/** A pending call of `Clock.setTimer`. */
export interface Timer {
  cancel(): void
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(delayMs, maxTimerMs))
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
}

/** setTimeout fires at once for delays above this. */
const maxTimerMs = 2_147_483_647

/** Resolves after `delayMs` on `clock`; rejects with the signal's reason when aborted first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = () => {
      timer.cancel()
      reject(signal?.reason)
    }
    const timer = clock.setTimer(delayMs, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** RFC 3339 in UTC with whole seconds, as Kubernetes' metav1.Time: `2026-01-31T08:00:00Z`. */
export function timestamp(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`
}

/** RFC 3339 in UTC with microseconds, as Kubernetes' metav1.MicroTime: `2026-01-31T08:00:00.123000Z`. */
export function microTimestamp(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 23)}000Z`
}
