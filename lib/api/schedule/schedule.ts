/** The minutes of the calendar at which something happens, as parse-schedule.ts reads them. Lists are sorted and hold no value twice. */
export interface Schedule {
  readonly minutes: readonly number[]
  readonly hours: readonly number[]
  /** 1 to 31; undefined: `*`. */
  readonly daysOfMonth: readonly number[] | undefined
  /** 1 to 12. */
  readonly months: readonly number[]
  /** 0 (Sunday) to 6; undefined: `*`. */
  readonly daysOfWeek: readonly number[] | undefined
}

const minuteMs = 60_000
const dayMs = 1_440 * minuteMs
/** Between two 29ths of February lie eight years at most: around a turn of a century. */
const maxDays = 8 * 366

/**
 * The first minute of the schedule at or after `wallMs`: a reading of a wall clock, as milliseconds since the epoch of a clock in UTC with
 * the same reading. Undefined when there is none, ever.
 */
export function nextReading(schedule: Schedule, wallMs: number): number | undefined {
  const from = Math.ceil(wallMs / minuteMs) * minuteMs
  let day = Math.floor(from / dayMs)
  let minute = (from - day * dayMs) / minuteMs
  for (const last = day + maxDays; day <= last; day++, minute = 0) {
    const found = isDayOf(schedule, new Date(day * dayMs)) ? nextMinuteOfDay(schedule, minute) : undefined
    if (found !== undefined) return day * dayMs + found * minuteMs
  }
  return undefined
}

/** When both the day of the month and the day of the week are given, either will do: so cron has always had it. */
function isDayOf({ months, daysOfMonth, daysOfWeek }: Schedule, date: Date): boolean {
  if (!months.includes(date.getUTCMonth() + 1)) return false
  const inMonth = daysOfMonth?.includes(date.getUTCDate())
  const inWeek = daysOfWeek?.includes(date.getUTCDay())
  return inMonth === undefined || inWeek === undefined ? (inMonth ?? inWeek ?? true) : inMonth || inWeek
}

function nextMinuteOfDay({ hours, minutes }: Schedule, from: number): number | undefined {
  for (const hour of hours) {
    const minute = minutes.find((each) => hour * 60 + each >= from)
    if (minute !== undefined) return hour * 60 + minute
  }
  return undefined
}

/** Whether some day is meant by it: the 30th of February is none. */
export function everHappens({ months, daysOfMonth, daysOfWeek }: Schedule): boolean {
  if (daysOfMonth === undefined || daysOfWeek !== undefined) return true
  return months.some((month) => daysOfMonth.some((day) => day <= daysOfLeapYear(month)))
}

const daysOfLeapYear = (month: number) => new Date(Date.UTC(2000, month, 0)).getUTCDate()
