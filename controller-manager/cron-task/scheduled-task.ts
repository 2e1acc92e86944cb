/** The Tasks of a CronTask: what they are called, for which time they were started, how old they are. */
import { type CronTask, scheduledTimeAnnotation } from '../../lib/api/kinds/cron-task.js'
import type { Task } from '../../lib/api/kinds/task.js'

/** The name of the Task for a time, wall clock in milliseconds: the same time never gets a second one. */
export function taskNameFor({ metadata }: Pick<CronTask, 'metadata'>, scheduledMs: number): string {
  return `${metadata.name}-${Math.floor(scheduledMs / 60_000)}`
}

/** The time for which the CronTask started this Task; undefined when a person did. */
export function scheduledTimeOf(cronTask: CronTask, { metadata }: Task): number | undefined {
  const time = Date.parse(metadata.annotations?.[scheduledTimeAnnotation] ?? '')
  return !Number.isNaN(time) && metadata.name === taskNameFor(cronTask, time) ? time : undefined
}

/** For sorting: the oldest first. */
export function byAge(one: Task, other: Task): number {
  const [left, right] = [one.metadata, other.metadata]
  if (left.creationTimestamp !== right.creationTimestamp) return left.creationTimestamp < right.creationTimestamp ? -1 : 1
  return left.name < right.name ? -1 : 1
}
