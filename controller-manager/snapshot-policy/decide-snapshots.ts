import { findCondition } from '../../lib/api/condition.js'
import type { Vps } from '../../lib/api/kinds/vps.js'
import { snapshotCauseLabel, type VpsSnapshot } from '../../lib/api/kinds/vps-snapshot.js'
import { nextRun } from '../../lib/api/schedule/next-run.js'
import { parseSchedule } from '../../lib/api/schedule/parse-schedule.js'
import { findTimeZone } from '../../lib/api/schedule/time-zone.js'

/** What a pass over a Vps with a snapshot policy does. Times are wall clock in milliseconds. */
export interface SnapshotDecision {
  /** Snapshots to take. The name says what for: the same at every pass, so that nothing is taken twice. */
  readonly take: readonly WantedSnapshot[]
  /** Snapshots of the policy that are more than it keeps, the oldest first. */
  readonly superfluous: readonly VpsSnapshot[]
  /** The next time of the schedule, and when to look again. */
  readonly nextMs: number | undefined
}

export type WantedSnapshot =
  | { readonly cause: 'schedule'; readonly name: string; readonly timeMs: number }
  | { readonly cause: 'stop'; readonly name: string; readonly start: number }

/** `snapshots`: all of this Vps. `needed`: names that a Vps is yet to be restored from. */
export function decideSnapshots(vps: Vps, snapshots: readonly VpsSnapshot[], needed: ReadonlySet<string>, nowMs: number): SnapshotDecision {
  const policy = vps.spec.snapshotPolicy
  if (!policy) return { take: [], superfluous: [], nextMs: undefined }
  const { nextMs, due } = timesOf(vps, nowMs)
  return { take: [...due, ...afterStop(vps)], superfluous: beyond(snapshots, policy.keep, needed), nextMs }
}

/**
 * The latest time that has passed since the last one gets a snapshot; those
 * missed before it do not. A schedule begins when it is first seen.
 */
function timesOf({ metadata, spec, status }: Vps, nowMs: number): { nextMs: number | undefined; due: WantedSnapshot[] } {
  const { schedule, timeZone } = spec.snapshotPolicy ?? {}
  const zone = findTimeZone(timeZone ?? 'UTC')
  if (schedule === undefined || !zone) return { nextMs: undefined, due: [] }
  const parsed = parseSchedule(schedule)
  const next = (afterMs: number) => nextRun(parsed, zone, afterMs)
  const knownMs = timeOf(status?.snapshots?.nextScheduleTime)
  const lastMs = timeOf(status?.snapshots?.lastScheduleTime) ?? Number.NEGATIVE_INFINITY
  const upcomingMs = next(nowMs)
  // What was due next under another schedule is not due under this one.
  const isDue = knownMs !== undefined && knownMs <= nowMs && knownMs > lastMs && next(knownMs - 1) === knownMs
  if (!isDue || (status?.starts ?? 0) === 0) return { nextMs: upcomingMs, due: [] }
  const timeMs = latest(next, knownMs, nowMs)
  return { nextMs: upcomingMs, due: [{ cause: 'schedule', name: `${metadata.name}-${timeMs / minuteMs}`, timeMs }] }
}

const minuteMs = 60_000
/** Nobody was away for longer than so many times of the schedule without it being a new beginning. */
const mostPassed = 10_000

function latest(next: (afterMs: number) => number | undefined, firstMs: number, nowMs: number): number {
  let latestMs = firstMs
  for (let passed = 0; passed < mostPassed; passed++) {
    const after = next(latestMs)
    if (after === undefined || after > nowMs) break
    latestMs = after
  }
  return latestMs
}

/** Each end of a start gets one, once the machine has stopped. */
function afterStop(vps: Vps): WantedSnapshot[] {
  const { metadata, spec, status } = vps
  const start = status?.starts ?? 0
  const running = findCondition(vps, 'Running')
  const isStopped = !spec.running && running?.status === 'False' && running.reason === 'Stopped'
  if (!spec.snapshotPolicy?.onStop || !isStopped || start <= (status?.snapshots?.lastStop ?? 0)) return []
  return [{ cause: 'stop', name: `${metadata.name}-stop-${start}`, start }]
}

/** Of those that the policy asked for and that can be restored, the newest stay; one that failed stays until a newer one is there. */
function beyond(snapshots: readonly VpsSnapshot[], keep: number, needed: ReadonlySet<string>): VpsSnapshot[] {
  const own = snapshots.filter(({ metadata }) => metadata.labels?.[snapshotCauseLabel] && !metadata.deletionTimestamp).sort(byAge)
  const ready = own.filter(({ status }) => status?.phase === 'Ready')
  const kept = ready.slice(-keep)
  const newest = kept.at(-1)
  const isPast = (snapshot: VpsSnapshot) => newest !== undefined && byAge(snapshot, newest) < 0
  return own.filter(
    (snapshot) =>
      !needed.has(snapshot.metadata.name) &&
      (snapshot.status?.phase === 'Ready' ? !kept.includes(snapshot) : snapshot.status?.phase === 'Failed' && isPast(snapshot)),
  )
}

const byAge = (a: VpsSnapshot, b: VpsSnapshot) =>
  (timeOf(a.metadata.creationTimestamp) ?? 0) - (timeOf(b.metadata.creationTimestamp) ?? 0) || (a.metadata.name < b.metadata.name ? -1 : 1)

function timeOf(text: string | undefined | null): number | undefined {
  const time = Date.parse(text ?? '')
  return Number.isNaN(time) ? undefined : time
}
