import { describe, expect, it } from 'vitest'
import { findCondition } from '../../lib/api/condition.js'
import { vpsPhases } from '../../lib/api/kinds/vps.js'
import { vpsPhase, vpsReasons } from '../../lib/api/vps-phase.js'
import { aVps, type VpsParts } from '../../lib/testing/a-vps.js'
import type { ObservedMachine } from '../backends/machine-backend.js'
import { type MachineActual, noMachine } from './machine-actual.js'
import type { MachineRecord } from './machine-record.js'
import { vpsStatus } from './vps-status.js'

const now = Date.UTC(2026, 0, 1, 12)
const bound: VpsParts = { status: { conditions: [{ type: 'Scheduled', status: 'True', reason: 'Bound' }] } }
const machine = (state: ObservedMachine['state'], more: Partial<ObservedMachine> = {}): ObservedMachine => ({
  uid: 'uid-a',
  namespace: 'default',
  name: 'a',
  state,
  ...more,
})
const record: MachineRecord = { namespace: 'default', name: 'a', made: true, starts: 1, run: 'started', streak: 0 }
const failed = (type: 'admit' | 'prepareImage' | 'create' | 'start' | 'restore', reason: string, retryable = true) => [
  { type, reason, message: `${reason}!`, retryable, count: 1, retryAtMs: 0 },
]
const status = (vps: VpsParts, seen: Partial<MachineActual>) => vpsStatus(aVps({ ...bound, ...vps }), { ...noMachine, ...seen }, now)

it.each<[string, VpsParts, Partial<MachineActual>, string, string]>([
  ['nothing of it is there yet', {}, {}, 'Provisioning', 'Preparing'],
  ['its image cannot be pulled', {}, { failures: failed('prepareImage', 'ImagePullFailed') }, 'Provisioning', 'Preparing'],
  ['its image name is none', {}, { failures: failed('prepareImage', 'InvalidImageName', false) }, 'Failed', 'Failed'],
  ['its namespace does not admit it', {}, { failures: failed('admit', 'Refused', false) }, 'Failed', 'Failed'],
  ['its start fails', {}, { machine: machine('stopped'), record, failures: failed('start', 'PortTaken') }, 'Provisioning', 'PortTaken'],
  ['it runs', {}, { machine: machine('running'), record }, 'Running', 'Started'],
  ['it is to stop and still runs', { spec: { running: false } }, { machine: machine('running'), record }, 'Running', 'Started'],
  ['it was stopped', { spec: { running: false } }, { machine: machine('stopped'), record }, 'Stopped', 'Stopped'],
  ['it was never to run', { spec: { running: false } }, {}, 'Stopped', 'Stopped'],
  ['it ended by itself', {}, { machine: machine('stopped'), record }, 'Provisioning', 'Restarting'],
  ['it ends again and again', {}, { machine: machine('stopped'), record: { ...record, streak: 2 } }, 'Provisioning', 'CrashLoopBackOff'],
  ['its disk was lost', {}, { record }, 'Failed', 'Failed'],
  ['its disk was lost while it was stopped', { spec: { running: false } }, { record }, 'Failed', 'Failed'],
  ['it is being deleted', { metadata: { deletionTimestamp: 'x' } }, { machine: machine('stopped'), record }, 'Provisioning', 'Stopping'],
])('when %3$s: %s', (_name, vps, seen, phase, reason) => {
  const said = status(vps, seen)
  expect(said.phase).toBe(phase)
  expect(findCondition({ status: said }, 'Running')?.reason).toBe(reason)
})

describe('a status', () => {
  it('has what the machine runs with, and what others said', () => {
    const seen = machine('running', {
      runtimeId: 'c1',
      startedAtMs: now,
      cpuMillis: 1500,
      memoryBytes: 3 * 2 ** 29,
      address: '172.30.0.5',
      restoredFrom: { name: 's1' },
    })
    expect(status({ status: { ...bound.status, sshCommand: 'ssh' } }, { machine: seen, record })).toMatchObject({
      sshCommand: 'ssh',
      starts: 1,
      runtimeId: 'c1',
      startedAt: '2026-01-01T12:00:00Z',
      address: '172.30.0.5',
      resources: { cpu: '1500m', memory: '1536Mi' },
      restoredFrom: { name: 's1' },
    })
  })

  it('does not change when nothing does', () => {
    const first = status({}, { machine: machine('running', { startedAtMs: now - 5000 }), record })
    const again = vpsStatus(
      aVps({ status: first }),
      { ...noMachine, machine: machine('running', { startedAtMs: now - 5000 }), record },
      now + 9000,
    )
    expect(again).toEqual(first)
  })

  it('says how a restore goes', () => {
    const wish = { spec: { restoreFrom: { name: 's1', request: '2' } } }
    const restored = (seen: Partial<MachineActual>) => findCondition({ status: status(wish, { record, ...seen }) }, 'Restored')
    expect(restored({ machine: machine('running') })).toMatchObject({ status: 'False', reason: 'Restoring' })
    expect(restored({ machine: machine('stopped'), failures: failed('restore', 'SnapshotNotHere') })).toMatchObject({
      status: 'False',
      reason: 'SnapshotNotHere',
    })
    expect(restored({ machine: machine('stopped', { restoredFrom: { name: 's1', request: '2' } }) })).toMatchObject({ status: 'True' })
  })

  it('uses the reasons that are declared', () => {
    for (const [seen, vps] of [
      [{}, {}],
      [{ machine: machine('running'), record }, {}],
      [{ machine: machine('stopped'), record }, {}],
      [{ record }, {}],
    ] as const)
      for (const { type, reason } of status(vps, seen).conditions ?? [])
        if (type in vpsReasons) expect(vpsReasons[type as keyof typeof vpsReasons]).toContain(reason)
  })
})

it.each([
  [[], 'Pending'],
  [[{ type: 'Running', status: 'False', reason: 'Stopped' }], 'Stopped'],
  [[{ type: 'Scheduled', status: 'False' }], 'Pending'],
  [[{ type: 'Scheduled', status: 'True' }], 'Provisioning'],
  [
    [
      { type: 'Scheduled', status: 'True' },
      { type: 'Running', status: 'Unknown', reason: 'NodeUnreachable' },
    ],
    'Unknown',
  ],
] as const)('conditions %j make the phase %s', (conditions, phase) => {
  expect(vpsPhase([...conditions])).toBe(phase)
  expect(vpsPhases).toContain(phase)
})
