import { backoffDelayMs } from '../../lib/base/backoff.js'
import type { ObservedRun } from '../backends/backend.js'

const healthyMs = 10 * 60_000

/** The streak after this run ended. */
export function nextStreak(streak: number, run: ObservedRun): number {
  return nextStreakAfter(streak, run.startedAtMs, run.exit?.finishedAtMs)
}

/** The streak after what ran from one time to the other: what lasted ten minutes ends the count of crashes. */
export function nextStreakAfter(streak: number, startedAtMs: number | undefined, endedAtMs: number | undefined): number {
  const lastedMs = (endedAtMs ?? 0) - (startedAtMs ?? Number.POSITIVE_INFINITY)
  return lastedMs >= healthyMs ? 0 : streak + 1
}

/** How long the restart after so many crashes waits: the first none, then 10 s, doubling up to 5 minutes. */
export function restartDelayMs(streak: number): number {
  return streak <= 1 ? 0 : backoffDelayMs(streak - 2, { initialMs: 10_000, maxMs: 300_000, jitter: 'none' })
}

/** How much of that is left at `nowMs`, counted from `sinceMs` on: nothing when the clock was set back since, as nobody knows then. */
export function restartWaitMs(streak: number, sinceMs: number, nowMs: number): number {
  return sinceMs > nowMs ? 0 : Math.max(0, sinceMs + restartDelayMs(streak) - nowMs)
}

/** How long the next try of a step that failed so often waits. */
export function retryDelayMs(count: number): number {
  return backoffDelayMs(count - 1, { initialMs: 1_000, maxMs: 300_000, jitter: 'none' })
}

/** The same where a full disk stood in the way: room that was made is soon found by a try that costs next to nothing, and later by one that took its time. */
export function retryForRoomDelayMs(count: number, tookMs: number): number {
  return Math.min(retryDelayMs(count), Math.max(15_000, 20 * tookMs))
}
