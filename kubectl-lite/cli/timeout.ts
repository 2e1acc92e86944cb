import { InvalidArgumentError } from 'commander'

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Milliseconds of a duration as Go writes it: `30s`, `1h30m`, `500ms`, `0`. Undefined when it is none. */
export function durationMs(text: string): number | undefined {
  if (/^-?\d+$/.test(text)) return Number(text) * 1000
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined
  let total = 0
  for (const [, amount = '0', unit = 's'] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) total += Number(amount) * (units[unit] ?? 0)
  return total
}

/** For commander: a flag that takes a duration. */
export function parseDuration(text: string): number {
  const ms = durationMs(text)
  if (ms === undefined) throw new InvalidArgumentError('It is a duration: 30s, 5m, 1h30m.')
  return ms
}

/** The reason with which a `deadline` aborts. */
export class TimedOut extends Error {
  override readonly name = 'TimedOut'
}

/** Aborts with `signal`, or after `ms` with TimedOut. Zero and undefined: never by itself. */
export function deadline(signal: AbortSignal, ms: number | undefined): AbortSignal {
  if (!ms || ms < 0) return signal
  const timer = new AbortController()
  setTimeout(() => timer.abort(new TimedOut()), Math.min(ms, 2 ** 31 - 1)).unref()
  return AbortSignal.any([signal, timer.signal])
}
