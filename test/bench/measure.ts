import type { Owner } from '../processes/owner.js'

/** Numbers of a run and how they are put together. */

/** One line of the report. */
export interface Measurement {
  /** Row of the table of goals. */
  readonly row: number
  readonly what: string
  readonly unit: string
  /** Median over the rounds. */
  readonly ours: number
  /** The peer or raw limit measured in the same run. */
  readonly peer?: { readonly name: string; readonly value: number } | undefined
  /** The goal in words. */
  readonly goal: string
  /** Absent where nothing was set. */
  readonly reached?: boolean | undefined
  /** Spread over the rounds: lowest and highest. */
  readonly spread?: { readonly low: number; readonly high: number } | undefined
}

export interface Row {
  readonly rows: readonly number[]
  readonly name: string
  run(bench: Bench): Promise<Measurement[]>
}

/** What a row gets. */
export interface Bench extends Owner {
  /** Rounds of each variant. */
  readonly rounds: number
  /** Guests that are booted under load. */
  readonly boots: number
  say(text: string): void
}

export function median(values: readonly number[]): number {
  return percentile(values, 50)
}

/** The value below which `percent` of the values lie (nearest rank). */
export function percentile(values: readonly number[], percent: number): number {
  if (values.length === 0) return Number.NaN
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1))] ?? Number.NaN
}

export function spreadOf(values: readonly number[]): { low: number; high: number } {
  return { low: Math.min(...values), high: Math.max(...values) }
}

/** Runs the variants in turn, A B C A B C …, and gives each variant's results by name. */
export async function interleave<Variants extends Record<string, () => Promise<unknown>>>(
  rounds: number,
  variants: Variants,
): Promise<{ [Name in keyof Variants]: Awaited<ReturnType<Variants[Name]>>[] }> {
  const results: Record<string, unknown[]> = Object.fromEntries(Object.keys(variants).map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) for (const [name, variant] of Object.entries(variants)) results[name]?.push(await variant())
  return results as { [Name in keyof Variants]: Awaited<ReturnType<Variants[Name]>>[] }
}

/** Keeps `inFlight` calls of `operation` running for `durationMs`, or until `enough`; gives the rate and each call's latency. */
export async function drive(
  inFlight: number,
  durationMs: number,
  operation: (lane: number, sequence: number) => Promise<void>,
  enough: () => boolean = () => false,
): Promise<{ perSecond: number; latenciesMs: number[] }> {
  const latenciesMs: number[] = []
  const start = performance.now()
  const end = start + durationMs
  let sequence = 0
  await Promise.all(
    Array.from({ length: inFlight }, async (_unused, lane) => {
      while (performance.now() < end && !enough()) {
        const before = performance.now()
        await operation(lane, sequence++)
        latenciesMs.push(performance.now() - before)
      }
    }),
  )
  return { perSecond: (latenciesMs.length / (performance.now() - start)) * 1000, latenciesMs }
}

/**
 * Starts `operation` at a steady rate over `lanes` lanes until `done`; gives how
 * many were finished a second. A lane that is late catches up.
 */
export async function pace(
  perSecond: number,
  lanes: number,
  operation: (lane: number, sequence: number) => Promise<void>,
  done: (sequence: number) => boolean,
): Promise<number> {
  const start = performance.now()
  let sequence = 0
  await Promise.all(
    Array.from({ length: lanes }, async (_unused, lane) => {
      while (!done(sequence)) {
        const mine = sequence++
        const due = start + (mine * 1000) / perSecond
        if (due > performance.now()) await sleep(due - performance.now())
        await operation(lane, mine)
      }
    }),
  )
  return (sequence / (performance.now() - start)) * 1000
}

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** Polls a condition; rejects with what was waited for when it does not come true in time. */
export async function until(what: string, timeoutMs: number, condition: () => boolean | Promise<boolean>, everyMs = 20): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs / 1000} s`)
    await sleep(everyMs)
  }
}

/** Opens many, 50 at a time. */
export async function openMany<T>(count: number, open: (index: number) => Promise<T>): Promise<T[]> {
  const opened: T[] = []
  while (opened.length < count) {
    const first = opened.length
    opened.push(...(await Promise.all(Array.from({ length: Math.min(50, count - first) }, (_unused, index) => open(first + index)))))
  }
  return opened
}
