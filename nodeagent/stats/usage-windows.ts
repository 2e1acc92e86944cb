/**
 * Rates from counters. A rate needs two looks, and nobody looks while nobody asks: an answer compares with the newest look that is at least
 * a second and at most a minute old, and where there is none it looks again after a second. So the first question of a while takes a
 * second, and whoever asks again and again is answered at once.
 */
import type { Usage } from '../../lib/api/node-stats.js'
import { type Clock, sleep } from '../../lib/base/clock.js'
import type { UsageCounters } from '../backends/backend.js'

/** What one look saw. */
export interface Look extends UsageCounters {
  readonly atMs: number
}

const shortestWindowMs = 1_000
const longestWindowMs = 60_000

export class UsageWindows {
  /** The looks at each subject that a later one may be compared with, the oldest first. */
  private readonly kept = new Map<string, readonly Look[]>()

  constructor(private readonly clock: Clock) {}

  /** How much each subject uses, by the keys of `look`. What was not there at both ends of a window is left out. */
  async measure(look: () => Promise<ReadonlyMap<string, UsageCounters>>, signal: AbortSignal): Promise<ReadonlyMap<string, Usage>> {
    const first = this.judge(await look())
    if (first.waitMs === 0) return first.usage
    await sleep(this.clock, first.waitMs, signal)
    return this.judge(await look()).usage
  }

  /** `waitMs`: how long until every subject has a window; 0 when each has one. */
  private judge(counters: ReadonlyMap<string, UsageCounters>): { usage: ReadonlyMap<string, Usage>; waitMs: number } {
    const nowMs = this.clock.monotonic()
    const usage = new Map<string, Usage>()
    let waitMs = 0
    for (const [key, seen] of counters) {
      const looks = this.kept.get(key) ?? []
      const base = baseOf(looks, nowMs)
      if (base) usage.set(key, usageBetween(base, { ...seen, atMs: nowMs }))
      else waitMs = Math.max(waitMs, shortestWindowMs)
      this.kept.set(key, withLook(looks, { ...seen, atMs: nowMs }))
    }
    for (const [key, looks] of this.kept) if (looks.every(({ atMs }) => nowMs - atMs > longestWindowMs)) this.kept.delete(key)
    return { usage, waitMs }
  }
}

/** The newest look that a window may begin with. */
function baseOf(looks: readonly Look[], nowMs: number): Look | undefined {
  const base = looks.findLast(({ atMs }) => nowMs - atMs >= shortestWindowMs)
  return base && nowMs - base.atMs <= longestWindowMs ? base : undefined
}

/** Two looks are enough, if they are not too close: then the older one still is a base when the newer one is too young. */
function withLook(looks: readonly Look[], look: Look): readonly Look[] {
  const newest = looks.at(-1)
  if (newest && look.atMs - newest.atMs < shortestWindowMs) return looks
  return [...looks.slice(-1), look]
}

/** Counters that begin anew have counted nothing yet. */
export function usageBetween(from: Look, to: Look): Usage {
  const windowMs = to.atMs - from.atMs
  return {
    cpuCores: Math.max(0, to.cpuNanos - from.cpuNanos) / 1e6 / windowMs,
    memoryBytes: to.memoryBytes,
    windowMs: Math.round(windowMs),
  }
}
