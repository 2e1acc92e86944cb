import { invalidValue, type StatusCause } from '../api-error.js'
import { parseSchedule, ScheduleError } from './parse-schedule.js'
import { findTimeZone } from './time-zone.js'

/** What is wrong with a schedule and its zone, by the fields in which they stand. */
export function scheduleCauses(
  schedule: { readonly field: string; readonly value: string },
  timeZone: { readonly field: string; readonly value: string },
): StatusCause[] {
  return [
    ...textCauses(schedule.field, schedule.value),
    ...(findTimeZone(timeZone.value)
      ? []
      : [invalidValue(timeZone.field, timeZone.value, 'is no zone of the tz database, as Europe/Berlin')]),
  ]
}

function textCauses(field: string, text: string): StatusCause[] {
  try {
    parseSchedule(text)
    return []
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error
    return [invalidValue(field, text, error.message)]
  }
}
