export interface Watchdog {
  /** A sign of life: the time begins anew. */
  feed(): void
  stop(): void
}

/** The time is counted in so many parts. */
const parts = 5

/**
 * Calls `onSilence` once nothing has fed it for `limitMs` of real time. Counts only time in which this process ran: one that was stopped,
 * or that got no CPU, first hears what came meanwhile. Does not keep the process alive.
 */
export function startWatchdog(limitMs: number, onSilence: () => void): Watchdog {
  let passed = 0
  const timer = setInterval(() => {
    if (++passed < parts) return
    clearInterval(timer)
    onSilence()
  }, limitMs / parts).unref()
  return {
    feed() {
      passed = 0
      timer.refresh()
    },
    stop: () => clearInterval(timer),
  }
}
