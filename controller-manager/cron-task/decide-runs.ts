import { findCondition } from '../../lib/api/condition.js'
import type { CronTask } from '../../lib/api/kinds/cron-task.js'
import type { Task } from '../../lib/api/kinds/task.js'
import { nextRun } from '../../lib/api/schedule/next-run.js'
import { parseSchedule } from '../../lib/api/schedule/parse-schedule.js'
import { findTimeZone } from '../../lib/api/schedule/time-zone.js'
import { timestamp } from '../../lib/base/clock.js'
import { hasEnded } from '../task-end.js'
import { byAge, scheduledTimeOf } from './scheduled-task.js'

/** What a pass over a CronTask does. Times are wall clock in milliseconds. */
export interface Decision {
  /** The time for which a Task is started now. */
  readonly startMs: number | undefined
  /** Active Tasks that make room for it; it is started when they are gone. */
  readonly replaced: readonly Task[]
  /** Its Tasks that have not ended, the oldest first. */
  readonly active: readonly Task[]
  /** The last time for which a Task was started, before this pass. */
  readonly lastMs: number | undefined
  /** The time for which a Task is started next: in the past, when it waits; undefined: none, as it stands. */
  readonly nextMs: number | undefined
  /** When there is something to decide again, though nothing happens. */
  readonly wakeMs: number | undefined
  /** The condition Ready; undefined: as it is. */
  readonly ready: Readiness | undefined
  /** Whether `ready` tells of times that have passed without a Task. */
  readonly missed: boolean
}

export interface Readiness {
  readonly status: boolean
  readonly reason: string
  readonly message: string
}

/** More than this were not missed because somebody was late: it goes on from now. */
const maxMissed = 100
/** A clock is put right by less than this without anybody being told. */
const clockStepMs = 60_000

const onSchedule: Readiness = { status: true, reason: 'OnSchedule', message: 'Tasks are started when it is time' }
/** These stay until a Task is started again: who looks later shall still see them. */
const lasting = new Set(['MissSchedule', 'TooManyMissedTimes', 'NameTaken'])

/**
 * Decides what is to be done about a CronTask at this moment. `tasks` are all that it owns. Throws when its
 * schedule or time zone is none, which the server has seen to.
 *
 * `status.nextScheduleTime` is the time for which there is to be a Task next. When it has come, the latest time of the schedule since then
 * gets one, and no other; no time gets one that is not after the last that did.
 */
export function decideRuns(cronTask: CronTask, tasks: readonly Task[], nowMs: number): Decision {
  const { spec, metadata, status = {} } = cronTask
  const active = tasks.filter((task) => !hasEnded(task)).sort(byAge)
  const lastMs = latest([timeOf(status.lastScheduleTime), ...tasks.map((task) => scheduledTimeOf(cronTask, task))])
  const before = findCondition(cronTask, 'Ready')
  const usual = { startMs: undefined, replaced: [], active, lastMs, missed: false }

  if (spec.suspend)
    return {
      ...usual,
      nextMs: undefined,
      wakeMs: undefined,
      ready: { status: false, reason: 'Suspended', message: 'spec.suspend asks that no Task is started' },
    }

  const next = timesOf(cronTask)
  const upcomingMs = next(Math.max(nowMs, lastMs ?? nowMs))
  const rest = { ...usual, nextMs: upcomingMs, wakeMs: upcomingMs }
  if (lastMs !== undefined && lastMs - nowMs > clockStepMs) {
    const message = `the last Task was started for ${timestamp(lastMs)}, which is yet to come: no time gets a second one`
    return { ...rest, ready: { status: false, reason: 'ClockWentBack', message } }
  }

  // Exclusive. What a CronTask that nobody has looked at yet is late for counts from its
  // creation, what a changed schedule would have had before does not.
  const knownMs = timeOf(status.nextScheduleTime)
  const beginMs = knownMs !== undefined && next(knownMs - 1) === knownMs ? knownMs - 1 : before ? nowMs : timeOf(metadata.creationTimestamp)
  const sinceMs = Math.max(beginMs ?? nowMs, lastMs ?? Number.NEGATIVE_INFINITY)
  const firstMs = next(sinceMs)
  if (firstMs === undefined || firstMs > nowMs) return { ...rest, ready: lasting.has(before?.reason ?? '') ? undefined : onSchedule }

  const deadlineMs = (spec.startingDeadlineSeconds ?? Number.POSITIVE_INFINITY) * 1000
  // What others already make room for is not given up because they take long to.
  const isReplacing = spec.concurrencyPolicy === 'Replace' && (before?.reason === 'Replacing' || active.some(isGoing))
  const due = timesBetween(next, isReplacing ? sinceMs : Math.max(sinceMs, nowMs - deadlineMs - 1), nowMs)
  const dueMs = due.at(-1)
  if (dueMs === undefined) {
    const message = `the Task for ${timestamp(firstMs)} could not be started within ${spec.startingDeadlineSeconds} s`
    return { ...rest, missed: true, ready: { status: false, reason: 'MissSchedule', message } }
  }
  if (due.length > maxMissed) {
    const message = `more than ${maxMissed} times have passed since ${timestamp(due[0] ?? firstMs)}: they get no Tasks, and it goes on from now`
    return { ...rest, missed: true, ready: { status: false, reason: 'TooManyMissedTimes', message } }
  }

  const [oldest] = active
  if (oldest === undefined || spec.concurrencyPolicy === 'Allow') return { ...rest, startMs: dueMs, ready: onSchedule }
  const why = `the Task for ${timestamp(dueMs)} is started when Task ${oldest.metadata.name}`
  if (spec.concurrencyPolicy === 'Forbid') {
    const wakeMs = Math.min(upcomingMs ?? Number.POSITIVE_INFINITY, dueMs + deadlineMs + 1)
    return { ...rest, nextMs: dueMs, wakeMs, ready: { status: false, reason: 'TaskAlreadyActive', message: `${why} has ended` } }
  }
  const replaced = active.filter((task) => !isGoing(task))
  return { ...rest, nextMs: dueMs, replaced, ready: { status: false, reason: 'Replacing', message: `${why}, which it replaces, is gone` } }
}

type NextTime = (afterMs: number) => number | undefined

function timesOf({ spec }: CronTask): NextTime {
  const schedule = parseSchedule(spec.schedule)
  const zone = findTimeZone(spec.timeZone)
  if (!zone) throw new Error(`there is no time zone ${JSON.stringify(spec.timeZone)}`)
  return (afterMs) => nextRun(schedule, zone, afterMs)
}

/** The times after `sinceMs` and up to `untilMs`; no more than one too many. */
function timesBetween(next: NextTime, sinceMs: number, untilMs: number): number[] {
  const times: number[] = []
  for (let at = next(sinceMs); at !== undefined && at <= untilMs && times.length <= maxMissed; at = next(at)) times.push(at)
  return times
}

function timeOf(text: string | undefined | null): number | undefined {
  const time = Date.parse(text ?? '')
  return Number.isNaN(time) ? undefined : time
}

function latest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}

const isGoing = (task: Task) => Boolean(task.metadata.deletionTimestamp)
