import { ConditionsSchema } from '../condition.js'
import { defineKind, type Manifest, type Resource } from '../define-kind.js'
import { type Output, t } from '../schema/t.js'
import { validateCronTask } from './cron-task-validation.js'
import { TaskSpecSchema } from './task.js'

const ActiveTaskSchema = t.object({
  apiVersion: t.string().describe("The Task's group and version."),
  kind: t.string().describe('Task.'),
  namespace: t.string().describe('The namespace of the Task.'),
  name: t.string().describe('The name of the Task.'),
  uid: t.string().describe('The uid of the Task.'),
})

export const TaskTemplateSchema = t.object({
  metadata: t
    .object({
      labels: t.map(t.string()).describe('Labels of each Task.').optional(),
      annotations: t.map(t.string()).describe('Annotations of each Task.').optional(),
    })
    .describe('What the metadata of each Task begins with.')
    .optional(),
  spec: TaskSpecSchema.describe('The spec of each Task.'),
})

export const CronTaskSpecSchema = t.object({
  schedule: t
    .string()
    .describe(
      'Minute, hour, day of the month, month, day of the week, as cron has them: "0 2 * * mon-fri"; or @hourly, @daily, @weekly, @monthly, @yearly.',
    )
    .with({ minLength: 1, maxLength: 1024 }),
  timeZone: t
    .string()
    .describe('The zone of the tz database by whose wall clocks the schedule is read, as Europe/Berlin.')
    .with({ maxLength: 64 })
    .default('UTC'),
  concurrencyPolicy: t
    .oneOf('Allow', 'Forbid', 'Replace')
    .describe(
      'What happens when it is time and earlier Tasks are still active. Forbid: wait for their end. Replace: delete them, and start when they are gone.',
    )
    .default('Allow'),
  startingDeadlineSeconds: t
    .integer()
    .describe('Seconds after its time up to which a Task is still started; unset means for ever.')
    .with({ minimum: 1 })
    .optional(),
  suspend: t.boolean().describe('Whether no Tasks are started. What is due meanwhile is not made up for.').default(false),
  successfulTasksHistoryLimit: t.integer().describe('How many Tasks that succeeded are kept.').with({ minimum: 0 }).default(3),
  failedTasksHistoryLimit: t.integer().describe('How many Tasks that failed are kept.').with({ minimum: 0 }).default(1),
  taskTemplate: TaskTemplateSchema.describe('What each Task is made of.'),
})

export const CronTaskStatusSchema = t.object({
  active: t.list(ActiveTaskSchema).describe('Its Tasks that have not ended.').optional(),
  lastScheduleTime: t.time().describe('The time for which a Task was last started.').optional(),
  lastSuccessfulTime: t.time().describe('When a Task last ended well.').optional(),
  nextScheduleTime: t.time().describe('The time for which a Task is started next; in the past, when it waits.').optional(),
  observedGeneration: t.integer().describe('The generation that the controller has acted on.').optional(),
  conditions: ConditionsSchema.optional(),
})

export const CronTask = defineKind({
  group: 'millrace.dev',
  version: 'v1',
  kind: 'CronTask',
  plural: 'crontasks',
  shortNames: ['ct'],
  categories: ['all'],
  scope: 'Namespaced',
  description: 'Tasks on a schedule.',
  spec: CronTaskSpecSchema,
  status: CronTaskStatusSchema,
  subresources: ['status'],
  conditions: ['Ready'],
  columns: [
    { name: 'Schedule', jsonPath: '.spec.schedule', description: 'When Tasks are started.' },
    { name: 'Timezone', jsonPath: '.spec.timeZone', description: 'By whose wall clocks.' },
    { name: 'Suspend', type: 'boolean', jsonPath: '.spec.suspend', description: 'Whether none are.' },
    { name: 'Active', type: 'integer', jsonPath: '.status.active', description: 'How many have not ended.' },
    { name: 'Last Schedule', type: 'date', jsonPath: '.status.lastScheduleTime', description: 'Time since the last one was due.' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation.' },
    { name: 'Next Schedule', jsonPath: '.status.nextScheduleTime', priority: 1, description: 'When the next one is due.' },
    { name: 'Image', jsonPath: '.spec.taskTemplate.spec.image', priority: 1, description: 'The container image.' },
  ],
  nameRule: 'label',
  validate: validateCronTask,
})
export type CronTask = Resource<typeof CronTask>
export type CronTaskManifest = Manifest<typeof CronTask>
export type CronTaskSpec = Output<typeof CronTaskSpecSchema>
export type CronTaskStatus = Output<typeof CronTaskStatusSchema>

/** On a Task that its CronTask started: the time for which, RFC 3339. */
export const scheduledTimeAnnotation = 'millrace.dev/scheduled-time'
/** On a Task that a person started from a CronTask: `manual`. */
export const instantiateAnnotation = 'millrace.dev/instantiate'
