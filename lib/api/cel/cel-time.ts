import { CelDuration, CelError, CelTime } from './cel-value.js'

const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  ms: 1_000_000n,
  s: 10n ** 9n,
  m: 60n * 10n ** 9n,
  h: 3_600n * 10n ** 9n,
}
const maxSeconds = 315_576_000_000n

/** `1h30m`, `-1.5s`. Throws CelError. */
export function parseDuration(text: string): CelDuration {
  const match = /^([-+]?)((?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/.exec(text.length <= 100 ? text : '')
  if (!match && text !== '0') throw new CelError(`not a duration: ${JSON.stringify(text.slice(0, 100))}`)
  let nanos = 0n
  for (const [, whole = '', fraction = '', unit = ''] of text.matchAll(/(\d*)(?:\.(\d*))?(ns|us|µs|ms|s|m|h)/g)) {
    const size = units[unit] ?? 0n
    nanos += BigInt(whole || '0') * size + (BigInt(fraction.slice(0, 18) || '0') * size) / 10n ** BigInt(Math.min(fraction.length, 18))
  }
  return checkedDuration(match?.[1] === '-' ? -nanos : nanos)
}

export function checkedDuration(nanos: bigint): CelDuration {
  if (nanos / 10n ** 9n > maxSeconds || nanos / 10n ** 9n < -maxSeconds) throw new CelError('a duration is too long')
  return new CelDuration(nanos)
}

/** RFC 3339. Throws CelError. */
export function parseTime(text: string): CelTime {
  const match = /^(\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/.exec(text)
  const milliseconds = match ? Date.parse(`${match[1]}${match[3]}`) : Number.NaN
  if (!match || Number.isNaN(milliseconds)) throw new CelError(`not a timestamp: ${JSON.stringify(text.slice(0, 100))}`)
  return new CelTime(BigInt(milliseconds) * 1_000_000n + BigInt((match[2] ?? '').padEnd(9, '0') || '0'))
}

export function printTime({ nanos }: CelTime): string {
  const seconds = floorDivide(nanos, 10n ** 9n)
  const rest = nanos - seconds * 10n ** 9n
  const fraction = rest === 0n ? '' : `.${rest.toString().padStart(9, '0').replace(/0+$/, '')}`
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}${fraction}Z`
}

export function printDuration({ nanos }: CelDuration): string {
  const absolute = nanos < 0n ? -nanos : nanos
  const fraction = (absolute % 10n ** 9n).toString().padStart(9, '0').replace(/0+$/, '')
  return `${nanos < 0n ? '-' : ''}${absolute / 10n ** 9n}${fraction === '' ? '' : `.${fraction}`}s`
}

/** A part of a moment in UTC, or of a duration as a whole. */
export function timePart(value: CelTime | CelDuration, part: string): bigint {
  if (value instanceof CelDuration) {
    const unit = { getHours: 'h', getMinutes: 'm', getSeconds: 's', getMilliseconds: 'ms' }[part]
    if (unit === undefined) throw new CelError(`a duration has no ${part}`)
    return part === 'getMilliseconds' ? (value.nanos / 1_000_000n) % 1_000n : value.nanos / (units[unit] ?? 1n)
  }
  const date = new Date(Number(floorDivide(value.nanos, 1_000_000n)))
  const parts: Readonly<Record<string, () => number>> = {
    getFullYear: () => date.getUTCFullYear(),
    getMonth: () => date.getUTCMonth(),
    getDate: () => date.getUTCDate(),
    getDayOfMonth: () => date.getUTCDate() - 1,
    getDayOfWeek: () => date.getUTCDay(),
    getDayOfYear: () => Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000),
    getHours: () => date.getUTCHours(),
    getMinutes: () => date.getUTCMinutes(),
    getSeconds: () => date.getUTCSeconds(),
    getMilliseconds: () => date.getUTCMilliseconds(),
  }
  const read = Object.hasOwn(parts, part) ? parts[part] : undefined
  if (!read) throw new CelError(`a timestamp has no ${part}`)
  return BigInt(read())
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by
  return value < 0n && quotient * by !== value ? quotient - 1n : quotient
}
