/**
 * Reads schedules in cron's five fields, minute, hour, day of the month, month, day of the week:
 *
 *     0,30 8-18 * * mon-fri     0 2 1/10 * *     @daily
 *
 * What is no schedule is a ScheduleError that says which part is wrong.
 */
import { everHappens, type Schedule } from './schedule.js'

export class ScheduleError extends Error {
  override readonly name = 'ScheduleError'
}

interface Field {
  readonly name: string
  readonly min: number
  readonly max: number
  readonly names?: readonly string[]
}

const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

const minute: Field = { name: 'minute', min: 0, max: 59 }
const hour: Field = { name: 'hour', min: 0, max: 23 }
const dayOfMonth: Field = { name: 'day of the month', min: 1, max: 31 }
const month: Field = { name: 'month', min: 1, max: 12, names: monthNames }
/** 7 is Sunday too. */
const dayOfWeek: Field = { name: 'day of the week', min: 0, max: 7, names: dayNames }

const macros: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

/** Throws a ScheduleError, also for a schedule that never happens. */
export function parseSchedule(text: string): Schedule {
  const words = fieldsOf(text.trim())
  const [minuteText = '', hourText = '', dayText = '', monthText = '', weekText = ''] = words
  const schedule: Schedule = {
    minutes: valuesOf(minuteText, minute),
    hours: valuesOf(hourText, hour),
    daysOfMonth: isAny(dayText) ? undefined : valuesOf(dayText, dayOfMonth),
    months: valuesOf(monthText, month),
    daysOfWeek: isAny(weekText) ? undefined : sorted(valuesOf(weekText, dayOfWeek).map((day) => day % 7)),
  }
  if (!everHappens(schedule)) throw new ScheduleError(`never happens: no month of ${monthText} has a day ${dayText}`)
  return schedule
}

function fieldsOf(text: string): string[] {
  if (/^(TZ|CRON_TZ)=/i.test(text)) throw new ScheduleError('names a time zone: timeZone is the field for it')
  if (text.startsWith('@')) {
    const fields = macros[text.toLowerCase()]
    if (fields === undefined) throw new ScheduleError(`${JSON.stringify(text)} is none of ${Object.keys(macros).join(', ')}`)
    return fields.split(' ')
  }
  const words = text === '' ? [] : text.split(/\s+/)
  if (words.length !== 5)
    throw new ScheduleError(
      `has ${words.length} ${words.length === 1 ? 'field' : 'fields'}, not five: minute, hour, day of the month, month, day of the week`,
    )
  return words
}

const isAny = (text: string) => text === '*' || text === '?'

function valuesOf(text: string, field: Field): number[] {
  return sorted(text.split(',').flatMap((part) => rangeOf(part, field)))
}

const sorted = (values: readonly number[]) => [...new Set(values)].sort((a, b) => a - b)

/** `*`, `3`, `mon-fri`, each with `/STEP` or without; `3/5` begins at 3. */
function rangeOf(part: string, field: Field): number[] {
  const [span = '', stepText, ...more] = part.split('/')
  if (more.length > 0) throw wrong(field, part, 'has more than one step')
  const step = stepText === undefined ? 1 : stepOf(stepText, part, field)
  const { first, last } = boundsOf(span, part, field, stepText !== undefined)
  if (first > last) throw wrong(field, part, 'ends before it begins')
  if (step > 1 && step > last - first) throw wrong(field, part, `steps beyond its end, ${last}`)
  return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_each, index) => first + index * step)
}

function boundsOf(span: string, part: string, field: Field, hasStep: boolean): { first: number; last: number } {
  // A whole week has seven days, not eight.
  const last = field === dayOfWeek ? 6 : field.max
  if (span === '*') return { first: field.min, last }
  const [from = '', to, ...more] = span.split('-')
  if (more.length > 0) throw wrong(field, part, 'is no range')
  const first = numberOf(from, part, field)
  return { first, last: to === undefined ? (hasStep ? last : first) : numberOf(to, part, field) }
}

function numberOf(text: string, part: string, field: Field): number {
  const named = field.names?.indexOf(text.toLowerCase()) ?? -1
  if (named >= 0) return named + field.min
  const value = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN
  if (value >= field.min && value <= field.max) return value
  const names = field.names ? `, or ${field.names[0]} to ${field.names.at(-1)}` : ''
  throw wrong(field, part, `must be ${field.min} to ${field.max}${names}`)
}

function stepOf(text: string, part: string, field: Field): number {
  const step = /^\d{1,2}$/.test(text) ? Number(text) : 0
  if (step === 0) throw wrong(field, part, 'has a step that is no number from 1 on')
  return step
}

const wrong = (field: Field, part: string, why: string) => new ScheduleError(`the ${field.name} ${JSON.stringify(part)} ${why}`)
