import { backoffDelayMs } from '../../lib/base/backoff.js'
import type { ObservedRun } from '../backends/backend.js'

const healthyMs = 10 * 60_000

/** The streak after this run ended: a run that lasted ten minutes ends the count of crashes. */
export function nextStreak(streak: number, run: ObservedRun): number {
  const lastedMs = (run.exit?.finishedAtMs ?? 0) - (run.startedAtMs ?? Number.POSITIVE_INFINITY)
  return lastedMs >= healthyMs ? 0 : streak + 1
}

/** How long the restart after so many crashes waits: the first none, then 10 s, doubling up to 5 minutes. */
export function restartDelayMs(streak: number): number {
  return streak <= 1 ? 0 : backoffDelayMs(streak - 2, { initialMs: 10_000, maxMs: 300_000, jitter: 'none' })
}

/** How long the next try of a step that failed so often waits. */
export function retryDelayMs(count: number): number {
  return backoffDelayMs(count - 1, { initialMs: 1_000, maxMs: 300_000, jitter: 'none' })
}
