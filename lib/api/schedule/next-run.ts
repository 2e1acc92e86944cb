/**
 * When a schedule happens, by the wall clocks of a time zone.
 *
 * A schedule that names hours makes appointments: each reading of the wall clock that it names is kept once. A reading that is skipped when
 * clocks are put forward is kept at the moment after the gap, together with all others of the gap; one that comes twice when they are put
 * back is kept the first time. A schedule of every hour only follows the clock: it happens whenever the clock shows one of its minutes, so
 * that the time between two stays the same.
 */
import { nextReading, type Schedule } from './schedule.js'
import { findChange, type TimeZone } from './time-zone.js'

const minuteMs = 60_000
/** No zone is further from UTC, and no change of one is by more. */
const dayMs = 86_400_000
/** No two changes of a zone are closer: two weeks. */
const apartMs = 14 * dayMs

/**
 * The first instant after `afterMs` at which the schedule happens, milliseconds
 * since the epoch. Undefined when there is none for eight years.
 */
export function nextRun(schedule: Schedule, zone: TimeZone, afterMs: number): number | undefined {
  return schedule.hours.length === 24 ? nextShown(schedule, zone, afterMs) : nextAppointment(schedule, zone, afterMs)
}

function nextAppointment(schedule: Schedule, zone: TimeZone, afterMs: number): number | undefined {
  let reading = nextReading(schedule, afterMs + zone.offsetMs(afterMs) - minuteMs)
  while (reading !== undefined) {
    const instant = instantOf(zone, reading)
    if (instant > afterMs) return instant
    reading = nextReading(schedule, reading + minuteMs)
  }
  return undefined
}

/** The first instant at which wall clocks have this reading; the end of the gap when none has it. */
function instantOf(zone: TimeZone, reading: number): number {
  const offsets = [zone.offsetMs(reading - dayMs), zone.offsetMs(reading + dayMs)]
  const shown = offsets.map((offset) => reading - offset).filter((instant) => instant + zone.offsetMs(instant) === reading)
  if (shown.length > 0) return Math.min(...shown)
  return findChange(zone, reading - dayMs, reading + dayMs) ?? reading - (offsets[0] ?? 0)
}

function nextShown(schedule: Schedule, zone: TimeZone, afterMs: number): number | undefined {
  let from = afterMs + 1
  for (;;) {
    const offset = zone.offsetMs(from)
    const reading = nextReading(schedule, from + offset)
    if (reading === undefined) return undefined
    const change = firstChange(zone, from, reading - offset)
    if (change === undefined) return reading - offset
    from = change
  }
}

function firstChange(zone: TimeZone, fromMs: number, toMs: number): number | undefined {
  for (let from = fromMs; from < toMs; from += apartMs) {
    const change = findChange(zone, from, Math.min(toMs, from + apartMs))
    if (change !== undefined) return change
  }
  return undefined
}

/** The first instants after `afterMs`, at most `count`. */
export function nextRuns(schedule: Schedule, zone: TimeZone, afterMs: number, count: number): number[] {
  const runs: number[] = []
  while (runs.length < count) {
    const next = nextRun(schedule, zone, runs.at(-1) ?? afterMs)
    if (next === undefined) break
    runs.push(next)
  }
  return runs
}
