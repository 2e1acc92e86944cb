import { tryParseQuantity } from '../quantity.js'

const minInt64 = -(2n ** 63n)
const maxInt64 = 2n ** 63n - 1n
const minInt32 = -(2 ** 31)
const maxInt32 = 2 ** 31 - 1

/** Whether an integer fits int64. Doubles from 2^63 on do not; integers beyond 2^53 come as bigint. */
export function isInt64(value: number | bigint): boolean {
  if (typeof value === 'bigint') return value >= minInt64 && value <= maxInt64
  return Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63
}

export function isInt32(value: number | bigint): boolean {
  return value >= minInt32 && value <= maxInt32
}

/** Base64 in groups of four with padding, in linear time. */
export function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)
}

/** An amount that is not negative: `500m`, `2Gi`, 1.5. */
export function isQuantity(value: unknown): boolean {
  const amount = typeof value === 'string' || typeof value === 'number' ? tryParseQuantity(value) : undefined
  return typeof value === 'bigint' ? value >= 0n : amount !== undefined && amount >= 0
}

/** What `x-kubernetes-int-or-string` allows: quantities may be any number, ports and the like only whole ones. */
export function isIntOrString(value: unknown, format: string | undefined): boolean {
  if (typeof value === 'string') return true
  return format === 'quantity' ? isQuantity(value) : typeof value === 'bigint' || Number.isInteger(value)
}

const rfc3339 = /^\d{4}-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/

/** RFC 3339 with a zone, at most nine decimals, and a day that the calendar has. */
export function isDateTime(text: string): boolean {
  if (text.length > 40) return false
  const match = rfc3339.exec(text)
  if (!match) return false
  const [, month, day, hour, minute, second] = match.map(Number)
  const date = new Date(`${text.slice(0, 10)}T00:00:00Z`)
  const inCalendar = !Number.isNaN(date.getTime()) && date.getUTCDate() === day && date.getUTCMonth() + 1 === month
  return inCalendar && (hour ?? 24) < 24 && (minute ?? 60) < 60 && (second ?? 60) < 60
}
