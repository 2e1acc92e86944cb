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
const failed = (type: 'admit' | 'prepareImage' | 'create' | 'start' | 'stop' | 'remove' | 'restore', reason: string, retryable = true) => [
  { type, reason, message: `${reason}!`, retryable, count: 1, retryAtMs: 0 },
]
const vm: VpsParts = { spec: { backend: 'qemu', ssh: { mode: 'generate' } } }
const status = (vps: VpsParts, seen: Partial<MachineActual>) => vpsStatus(aVps({ ...bound, ...vps }), { ...noMachine, ...seen }, now)

it.each<[string, VpsParts, Partial<MachineActual>, string, string]>([
  ['nothing of it is there yet', {}, {}, 'Provisioning', 'Preparing'],
  ['its image cannot be pulled', {}, { failures: failed('prepareImage', 'ImagePullFailed') }, 'Provisioning', 'Preparing'],
  ['its image name is none', {}, { failures: failed('prepareImage', 'InvalidImageName', false) }, 'Failed', 'Failed'],
  ['its namespace does not admit it', {}, { failures: failed('admit', 'Refused', false) }, 'Failed', 'Failed'],
  ['its start fails', {}, { machine: machine('stopped'), record, failures: failed('start', 'PortTaken') }, 'Provisioning', 'PortTaken'],
  ['it runs', {}, { machine: machine('running'), record }, 'Running', 'Started'],
  ['it is to stop and still runs', { spec: { running: false } }, { machine: machine('running'), record }, 'Running', 'Started'],
  [
    'it is to stop and cannot',
    { spec: { running: false } },
    { machine: machine('running'), record, failures: failed('stop', 'StepFailed') },
    'Running',
    'StopFailed',
  ],
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
  it('says what keeps a machine that is to go', () => {
    const leaving = status(
      { metadata: { deletionTimestamp: 'x' } },
      { machine: machine('stopped'), record, failures: failed('remove', 'StepFailed') },
    )
    expect(findCondition({ status: leaving }, 'Running')).toMatchObject({
      reason: 'Stopping',
      message: expect.stringContaining('StepFailed!'),
    })
  })

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

  const startedAtMs = now - 60_000
  const answered: VpsParts['status'] = {
    startedAt: '2026-01-01T11:59:00Z',
    conditions: [{ type: 'Ready', status: 'True', reason: 'Answers', message: 'before' }],
  }

  it.each<[string, VpsParts, Partial<ObservedMachine>, string, string]>([
    ['a container runs', { spec: { ssh: { mode: 'generate' } } }, {}, 'True', 'Started'],
    ['nobody is to log in', { spec: { backend: 'qemu' } }, {}, 'True', 'Started'],
    ['nothing is known yet', vm, {}, 'False', 'Booting'],
    ['it boots', vm, { answer: { isReady: false, message: 'still booting' } }, 'False', 'Booting'],
    ['it answers', vm, { answer: { isReady: true, message: 'answers' } }, 'True', 'Answers'],
    ['the next agent has not asked yet', { ...vm, status: answered }, { startedAtMs }, 'True', 'Answers'],
    ['it was started anew meanwhile', { ...vm, status: answered }, { startedAtMs: now }, 'False', 'Booting'],
    ['its node has no room', vm, { answer: { isReady: true, message: 'answers' }, held: 'no room' }, 'False', 'NoSpace'],
    ['it answers no more', { ...vm, status: answered }, { startedAtMs, answer: { isReady: false, message: 'no' } }, 'False', 'Booting'],
  ])('says whether people can get in: %s', (_case, vps, more, expected, reason) => {
    const ready = findCondition({ status: status(vps, { machine: machine('running', more), record }) }, 'Ready')
    expect(ready).toMatchObject({ status: expected, reason })
  })

  it('says what waits for the next start, for as long as it does', () => {
    const runs = { cpuMillis: 1000, memoryBytes: 2 ** 30, diskBytes: 2 ** 31 }
    const pending = (atStart: MachineActual['atStart'], before?: VpsParts['status'], state: 'running' | 'stopped' = 'running') =>
      findCondition(
        { status: status({ ...vm, ...(before ? { status: before } : {}) }, { machine: machine(state, runs), record, atStart }) },
        'ResizePending',
      )
    const more = { cpuMillis: 2500, memoryBytes: 2 ** 31, diskBytes: 2 ** 32 }
    expect(pending(undefined)).toBeUndefined()
    expect(pending(runs)).toBeUndefined()
    expect(pending({ cpuMillis: 1000, memoryBytes: 2 ** 30 })).toBeUndefined()
    expect(pending({ ...runs, diskBytes: 2 ** 20 })).toBeUndefined()
    const told = pending(more)
    expect(told).toMatchObject({
      status: 'True',
      message:
        'cpu 2500m (runs with 1), memory 2Gi (runs with 1Gi), disk 4Gi (runs with 2Gi): from its next start on; kubectl-lite restart vps/a',
    })
    expect(pending(runs, { conditions: told ? [told] : [] })).toBeUndefined()
    expect(pending(more, { conditions: told ? [told] : [] }, 'stopped')).toBeUndefined()
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
