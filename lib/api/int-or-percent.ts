import { invalidValue, type StatusCause } from './api-error.js'

/** A number of things, or a share of them: 2, '25%'. */
export type IntOrPercent = number | string

const percent = /^(\d{1,9})%$/

/** What no schema can say of it: a number is not negative, and a text is a percentage. */
export function validateIntOrPercent(value: IntOrPercent, field: string): StatusCause[] {
  if (typeof value === 'string') return percent.test(value) ? [] : [invalidValue(field, value, notPercent)]
  if (value < 0) return [invalidValue(field, value, 'must be greater than or equal to 0')]
  return value > maxInt32 ? [invalidValue(field, value, `must be less than or equal to ${maxInt32}`)] : []
}
const maxInt32 = 2 ** 31 - 1
const notPercent = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%', '93%')"

/** The percentage, or undefined for a number. */
export function percentOf(value: IntOrPercent): number | undefined {
  const digits = typeof value === 'string' ? percent.exec(value)?.[1] : undefined
  return digits === undefined ? undefined : Number(digits)
}

/** How many of `total` it is. */
export function countOf(value: IntOrPercent, total: number, round: 'up' | 'down'): number {
  const share = percentOf(value)
  if (share === undefined) return Number(value)
  return round === 'up' ? Math.ceil((share * total) / 100) : Math.floor((share * total) / 100)
}
