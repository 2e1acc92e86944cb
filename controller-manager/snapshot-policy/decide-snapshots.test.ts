import { describe, expect, it } from 'vitest'
import type { Vps, VpsSpec, VpsStatus } from '../../lib/api/kinds/vps.js'
import { snapshotCauseLabel, type VpsSnapshot } from '../../lib/api/kinds/vps-snapshot.js'
import { decideSnapshots } from './decide-snapshots.js'

const time = (text: string) => Date.parse(`2026-01-02T${text}:00Z`)
const stopped = { type: 'Running', status: 'False', reason: 'Stopped', lastTransitionTime: '', message: '' } as const

function aVps(spec: Partial<VpsSpec>, status: VpsStatus = {}): Vps {
  const metadata = { name: 'v', namespace: 'default', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' }
  const base = { backend: 'docker', image: 'i', running: true, ssh: { mode: 'disabled' }, privileged: false, priority: 0 } as const
  return {
    apiVersion: 'millrace.dev/v1',
    kind: 'Vps',
    metadata,
    spec: { ...base, terminationGracePeriodSeconds: 30, nodeName: 'n', ...spec },
    status: { starts: 1, ...status },
  }
}
const nightly = { snapshotPolicy: { keep: 2, onStop: false, schedule: '0 3 * * *' } }
const onStop = { snapshotPolicy: { keep: 2, onStop: true } }

function aSnapshot(
  name: string,
  at: string,
  phase: 'Ready' | 'Failed' | 'Pending' = 'Ready',
  cause: string | null = 'schedule',
): VpsSnapshot {
  const labels = cause === null ? {} : { [snapshotCauseLabel]: cause }
  const metadata = { name, uid: name, resourceVersion: '1', creationTimestamp: `2026-01-02T${at}:00Z`, labels }
  return { apiVersion: 'millrace.dev/v1', kind: 'VpsSnapshot', metadata, spec: { vpsName: 'v' }, status: { phase } }
}
const decide = (vps: Vps, snapshots: VpsSnapshot[] = [], nowMs = time('12:00'), needed: string[] = []) =>
  decideSnapshots(vps, snapshots, new Set(needed), nowMs)
const known = (nextScheduleTime: string, more: Partial<VpsStatus> = {}) =>
  aVps(nightly, { snapshots: { nextScheduleTime: `2026-01-02T${nextScheduleTime}:00Z` }, ...more })

describe('a schedule', () => {
  it('begins with the next time after it is first seen', () => {
    expect(decide(aVps(nightly))).toEqual({ take: [], superfluous: [], nextMs: Date.parse('2026-01-03T03:00:00Z') })
  })
  it('gets a snapshot for its time, by a name that is made of it', () => {
    const { take, nextMs } = decide(known('03:00'), [], time('03:00'))
    expect(take).toEqual([{ cause: 'schedule', name: `v-${time('03:00') / 60_000}`, timeMs: time('03:00') }])
    expect(nextMs).toBe(Date.parse('2026-01-03T03:00:00Z'))
  })
  it('takes one for the latest time when several have passed', () => {
    const hourly = { snapshotPolicy: { keep: 2, onStop: false, schedule: '0 * * * *' } }
    const vps = aVps(hourly, { snapshots: { nextScheduleTime: '2026-01-02T03:00:00Z' } })
    expect(decide(vps, [], time('07:30')).take).toMatchObject([{ timeMs: time('07:00') }])
  })
  it('takes none twice', () => {
    const vps = aVps(nightly, { snapshots: { nextScheduleTime: '2026-01-02T03:00:00Z', lastScheduleTime: '2026-01-02T03:00:00Z' } })
    expect(decide(vps, [], time('03:01')).take).toEqual([])
  })
  it('that was changed is not late for what the old one had next', () => {
    expect(decide(known('04:30'), [], time('05:00')).take).toEqual([])
  })
  it('takes none of a machine that was never started', () => {
    expect(decide(known('03:00', { starts: 0 }), [], time('03:00')).take).toEqual([])
  })
  it('follows its time zone', () => {
    const vps = aVps({ snapshotPolicy: { keep: 1, onStop: false, schedule: '0 3 * * *', timeZone: 'Asia/Tokyo' } })
    expect(decide(vps).nextMs).toBe(time('18:00'))
  })
})

describe('onStop', () => {
  const ended = (more: VpsStatus = {}) => aVps({ ...onStop, running: false }, { starts: 4, conditions: [stopped], ...more })
  it('takes one after each stop, by the number of the start', () => {
    expect(decide(ended()).take).toEqual([{ cause: 'stop', name: 'v-stop-4', start: 4 }])
  })
  it('takes none twice', () => {
    expect(decide(ended({ snapshots: { lastStop: 4 } })).take).toEqual([])
  })
  it('waits until it has stopped', () => {
    expect(decide(aVps({ ...onStop, running: false }, { conditions: [{ ...stopped, reason: 'Stopping' }] })).take).toEqual([])
  })
  it('takes none of a machine that ended by itself and is started again', () => {
    expect(decide(aVps(onStop, { conditions: [stopped] })).take).toEqual([])
  })
  it('takes none of one that was never started', () => {
    expect(decide(ended({ starts: 0 })).take).toEqual([])
  })
})

describe('keep', () => {
  const three = [aSnapshot('a', '01:00'), aSnapshot('c', '03:00'), aSnapshot('b', '02:00')]
  const names = (snapshots: VpsSnapshot[], needed: string[] = []) =>
    decide(aVps(onStop), snapshots, time('12:00'), needed).superfluous.map(({ metadata }) => metadata.name)
  it.each<[string, VpsSnapshot[], string[], string[]]>([
    ['deletes the oldest', three, [], ['a']],
    ['deletes none that people took', [...three.slice(1), aSnapshot('h', '00:30', 'Ready', null)], [], []],
    ['counts none that people took', [aSnapshot('h', '05:00', 'Ready', null), ...three.slice(1)], [], []],
    ['deletes none that a Vps is yet to be restored from', three, ['a'], []],
    ['does not count those that are not ready', [...three.slice(1), aSnapshot('p', '05:00', 'Pending')], [], []],
    ['keeps one that failed until a newer one is ready', [aSnapshot('f', '05:00', 'Failed'), ...three.slice(1)], [], []],
    ['deletes one that failed before', [aSnapshot('f', '00:10', 'Failed'), ...three.slice(1)], [], ['f']],
  ])('%s', (_name, snapshots, needed, deleted) => {
    expect(names(snapshots, needed)).toEqual(deleted)
  })
  it('without a policy nothing is deleted', () => {
    expect(decide(aVps({}), three)).toEqual({ take: [], superfluous: [], nextMs: undefined })
  })
})
