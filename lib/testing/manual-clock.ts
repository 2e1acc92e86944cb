import type { Clock, Timer } from '../base/clock.js'

interface Pending {
  readonly at: number
  readonly callback: () => void
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  private elapsedMs = 0
  private readonly pending = new Set<Pending>()

  /** `startMs`: wall-clock time at the start, milliseconds since the epoch. */
  constructor(private readonly startMs: number = Date.UTC(2026, 0, 1)) {}

  now(): number {
    return this.startMs + this.elapsedMs
  }
  monotonic(): number {
    return this.elapsedMs
  }
  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { at: this.elapsedMs + Math.max(0, delayMs), callback }
    this.pending.add(timer)
    return { cancel: () => this.pending.delete(timer) }
  }

  /** Timers that have not fired. */
  get timers(): number {
    return this.pending.size
  }

  /** Milliseconds until the next timer fires; Infinity when there is none. */
  get untilNextTimerMs(): number {
    return Math.min(...[...this.pending].map(({ at }) => at)) - this.elapsedMs
  }

  /** Moves time on, firing timers in order; between two timers, promise callbacks run. */
  async advance(durationMs: number): Promise<void> {
    const end = this.elapsedMs + durationMs
    for (;;) {
      const next = [...this.pending].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0]
      if (!next) break
      this.elapsedMs = next.at
      this.pending.delete(next)
      next.callback()
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.elapsedMs = end
    await new Promise((resolve) => setImmediate(resolve))
  }
}
