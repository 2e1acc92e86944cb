import { invalidValue, type StatusCause } from '../api-error.js'
import type { KubeObject } from '../define-kind.js'
import { parseSchedule, ScheduleError } from '../schedule/parse-schedule.js'
import { findTimeZone } from '../schedule/time-zone.js'
import { validateMetadata } from '../validation/validate-metadata.js'
import type { CronTaskSpec } from './cron-task.js'
import { validateTask } from './task-validation.js'

/** A Task's name is that of its CronTask, `-`, and the number of a minute; together at most 63 characters. */
const maxNameLength = 52

/** Rules across the fields of a CronTask; see define-kind.ts. The template is judged as a new Task is. */
export function validateCronTask({ apiVersion, metadata, spec }: KubeObject): StatusCause[] {
  const { schedule, timeZone, taskTemplate } = spec as CronTaskSpec
  const name = metadata.name ?? ''
  const { labels, annotations } = taskTemplate.metadata ?? {}
  const templateMetadata = { name: 'any', ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) }
  const task = { apiVersion, kind: 'Task', metadata, spec: taskTemplate.spec }
  return [
    ...(name.length > maxNameLength ? [invalidValue('metadata.name', name, `must be at most ${maxNameLength} characters`)] : []),
    ...validateSchedule(schedule),
    ...(findTimeZone(timeZone) ? [] : [invalidValue('spec.timeZone', timeZone, 'is no zone of the tz database, as Europe/Berlin')]),
    ...inTemplate(validateMetadata({ nameRule: 'label' }, templateMetadata)),
    ...inTemplate(validateTask(task, undefined)),
  ]
}

function validateSchedule(schedule: string): StatusCause[] {
  try {
    parseSchedule(schedule)
    return []
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error
    return [invalidValue('spec.schedule', schedule, error.message)]
  }
}

const inTemplate = (causes: readonly StatusCause[]): StatusCause[] =>
  causes.map((cause) => ({ ...cause, ...(cause.field === undefined ? {} : { field: `spec.taskTemplate.${cause.field}` }) }))
