import { invalidValue, type StatusCause } from '../api-error.js'
import type { KubeObject } from '../define-kind.js'
import { scheduleCauses } from '../schedule/schedule-causes.js'
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
    ...scheduleCauses({ field: 'spec.schedule', value: schedule }, { field: 'spec.timeZone', value: timeZone }),
    ...inTemplate(validateMetadata({ nameRule: 'label' }, templateMetadata)),
    ...inTemplate(validateTask(task, undefined)),
  ]
}

const inTemplate = (causes: readonly StatusCause[]): StatusCause[] =>
  causes.map((cause) => ({ ...cause, ...(cause.field === undefined ? {} : { field: `spec.taskTemplate.${cause.field}` }) }))
