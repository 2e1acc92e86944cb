import { describe, expect, it } from 'vitest'
import { nodeCleanupFinalizer } from '../../lib/api/kinds/workload.js'
import { aVps, type VpsParts } from '../../lib/testing/a-vps.js'
import type { ObservedMachine } from '../backends/machine-backend.js'
import { type MachineActual, noMachine } from './machine-actual.js'
import type { MachineRecord } from './machine-record.js'
import { planMachine } from './plan-machine.js'

const now = Date.UTC(2026, 0, 1, 12)
const minute = 60_000
const prepared = { admission: true, image: true }
const machine = (state: ObservedMachine['state'], more: Partial<ObservedMachine> = {}): ObservedMachine => ({
  uid: 'uid-a',
  namespace: 'default',
  name: 'a',
  state,
  startedAtMs: now - minute,
  ...(state === 'stopped' ? { stoppedAtMs: now - 1000 } : {}),
  ...more,
})
const record = (more: Partial<MachineRecord> = {}): MachineRecord => ({
  namespace: 'default',
  name: 'a',
  made: true,
  starts: 1,
  run: 'started',
  streak: 0,
  ...more,
})
const actual = (more: Partial<MachineActual> = {}): MachineActual => ({ ...noMachine, prepared, ...more })
const plan = (vps: VpsParts | undefined, seen: MachineActual) =>
  planMachine(vps && aVps({ ...vps, metadata: { finalizers: [nodeCleanupFinalizer], ...vps.metadata } }), seen, now).map((step) => {
    switch (step.type) {
      case 'wait':
        return `wait ${step.untilMs - now}`
      case 'create':
      case 'restore':
        return step.from ? `${step.type} ${step.from.name}` : step.type
      case 'start':
        return `start ${step.streak}`
      case 'stop':
        return `stop ${step.graceMs}`
      default:
        return step.type
    }
  })
const annotated = (name: string, value: string): VpsParts => ({ metadata: { annotations: { [`millrace.dev/${name}`]: value } } })
const stopped: VpsParts = { spec: { running: false } }
const leaving: VpsParts = { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 5 } }
const restoring = (request?: string): VpsParts => ({ spec: { restoreFrom: { name: 's1', ...(request ? { request } : {}) } } })
const failure = (type: 'create' | 'start' | 'admit', more: object = {}) => [
  { type, reason: 'No', message: 'no', retryable: true, count: 1, retryAtMs: now + 500, ...more },
]

describe('a machine that nothing is there of', () => {
  it.each<[string, VpsParts, MachineActual, string[]]>([
    ['is admitted, made and started', {}, noMachine, ['admit', 'prepareImage', 'create', 'start 0']],
    ['is made of a snapshot, without its image', restoring(), noMachine, ['admit', 'create s1', 'start 0']],
    ['is not made before it is to run', stopped, noMachine, []],
    ['is made on when its making was cut off', {}, actual({ record: record({ made: false }) }), ['create', 'start 0']],
    [
      'is made on, though it is to stop by now',
      stopped,
      actual({ machine: machine('partial'), record: record({ made: false }) }),
      ['create'],
    ],
    ['whose disk was lost is not made anew', {}, actual({ record: record() }), []],
    [
      'whose disk was lost with the record is not made anew',
      { status: { conditions: [{ type: 'DiskReady', status: 'True' }] } },
      actual(),
      [],
    ],
    ['whose disk was lost is made of a snapshot that is named', restoring(), actual({ record: record() }), ['create s1', 'start 0']],
    [
      'whose disk was lost is not made of the snapshot that it was of',
      { ...restoring(), status: { restoredFrom: { name: 's1' } } },
      actual({ record: record() }),
      [],
    ],
    ['waits when its making failed', {}, actual({ failures: failure('create') }), ['wait 500']],
    ['is not tried again when that cannot help', {}, noMachineWith('admit'), []],
  ])('%s', (_name, vps, seen, steps) => expect(plan(vps, seen)).toEqual(steps))

  function noMachineWith(type: 'admit'): MachineActual {
    return { ...noMachine, failures: failure(type, { retryable: false, retryAtMs: 0 }) }
  }
})

describe('a machine that is stopped', () => {
  /** Its node went down with it. */
  const unseen = (more: Partial<MachineRecord>, startedAtMs: number) => {
    const { stoppedAtMs: _unknown, ...rest } = machine('stopped', { startedAtMs })
    return actual({ machine: rest, record: record(more) })
  }
  const seen = (more: Partial<MachineRecord> = {}, observed: Partial<ObservedMachine> = {}) =>
    actual({ machine: machine('stopped', observed), record: record(more) })

  it.each<[string, VpsParts, MachineActual, string[]]>([
    ['stays so', stopped, seen({ run: 'stopped' }), []],
    ['is started', {}, seen({ run: 'stopped', streak: 0 }), ['start 0']],
    ['is started when it never was', {}, seen({ run: 'none' }), ['start 0']],
    ['is written down first when nothing is known of it', {}, actual({ machine: machine('stopped') }), ['adopt']],
    ['is started as before when a start was cut off', {}, seen({ run: 'starting', streak: 2 }), ['start 2']],
    ['is started at once when it ended by itself', {}, seen(), ['start 1']],
    ['is started later when it did so again', {}, seen({ streak: 1 }), ['wait 9000']],
    ['is started ever later', {}, seen({ streak: 2 }), ['wait 19000']],
    ['is started at once when it had run long', {}, seen({ streak: 5 }, { startedAtMs: now - 20 * minute }), ['start 0']],
    [
      'does not wait for a clock that was set back',
      {},
      seen({ streak: 1 }, { startedAtMs: now + 89 * minute, stoppedAtMs: now + 90 * minute }),
      ['start 2'],
    ],
    ['whose end nobody saw is started, however often that was so', {}, unseen({ streak: 1 }, now - minute), ['start 2']],
    ['whose end nobody saw waits from its start on', {}, unseen({ streak: 1 }, now - 4000), ['wait 6000']],
    ['whose end nobody saw is started at once when it may have run long', {}, unseen({ streak: 9 }, now - 20 * minute), ['start 0']],
    ['is put back first', restoring(), seen({ run: 'stopped' }), ['restore s1']],
    ['is put back though it is not to run', { spec: { ...restoring().spec, running: false } }, seen(), ['restore s1']],
    [
      'is put back once',
      { spec: { ...restoring('1').spec, running: false } },
      seen({}, { restoredFrom: { name: 's1', request: '1' } }),
      [],
    ],
    ['is put back again when that is asked for', restoring('2'), seen({}, { restoredFrom: { name: 's1', request: '1' } }), ['restore s1']],
    ['has been restarted by its start', annotated('restartedAt', 'x'), seen({ run: 'stopped' }), ['start 0']],
  ])('%s', (_name, vps, observed, steps) => expect(plan(vps, observed)).toEqual(steps))
})

describe('a machine that runs', () => {
  const seen = (more: Partial<MachineRecord> = {}, observed: Partial<ObservedMachine> = {}, resizesWhileRunning = true) =>
    actual({ machine: machine('running', observed), record: record(more), resizesWhileRunning })
  const limited: VpsParts = { spec: { resources: { limits: { cpu: '1', memory: '1Gi' } } } }
  const asLimited = { cpuMillis: 1000, memoryBytes: 2 ** 30 }

  it.each<[string, VpsParts, MachineActual, string[]]>([
    ['is left alone', {}, seen(), []],
    ['is stopped', stopped, seen(), ['stop 30000']],
    ['is stopped, to be put back', restoring(), seen(), ['stop 30000']],
    ['is restarted once', annotated('restartedAt', 'x'), seen(), ['stop 30000']],
    ['is not restarted for what its start has seen', annotated('restartedAt', 'x'), seen({ restartedAt: 'x' }), []],
    ['is not restarted when the wish is taken back', {}, seen({ restartedAt: 'x' }), []],
    ['is reset once', annotated('resetAt', 'x'), seen(), ['reset']],
    ['is not reset twice', annotated('resetAt', 'x'), seen({ resetAt: 'x' }), []],
    ['gets other resources', limited, seen(), ['resize']],
    ['has its resources', limited, seen({}, asLimited), []],
    ['loses its limits', {}, seen({}, asLimited), ['resize']],
    ['gets other resources at its next start, where the backend cannot', limited, seen({}, {}, false), []],
    ['whose start got through unseen is written down', {}, seen({ run: 'starting' }), ['adopt']],
    ['whose stop was taken back is written down', {}, seen({ run: 'stopped' }), ['adopt']],
    ['whose stop was cut off is stopped', stopped, seen({ run: 'stopped' }), ['stop 30000']],
  ])('%s', (_name, vps, observed, steps) => expect(plan(vps, observed)).toEqual(steps))
})

describe('a machine that is to go', () => {
  it.each<[string, VpsParts | undefined, MachineActual, string[]]>([
    [
      'is stopped politely, and all of it removed',
      leaving,
      actual({ machine: machine('running'), record: record() }),
      ['stop 5000', 'remove', 'forget', 'releaseFinalizer'],
    ],
    ['and of which nothing is left is let go', leaving, actual(), ['releaseFinalizer']],
    ['and whose finalizer is gone has no more to do', { metadata: { ...leaving.metadata, finalizers: [] } }, actual(), []],
    ['and was never made whole is removed', leaving, actual({ machine: machine('partial') }), ['remove', 'releaseFinalizer']],
    ['because the API knows none is removed', undefined, actual({ machine: machine('running') }), ['stop 10000', 'remove']],
    ['and left a record only is forgotten', undefined, actual({ record: record() }), ['forget']],
    [
      'is removed though nothing else of it went well',
      leaving,
      actual({ machine: machine('stopped'), failures: failure('start', { retryable: false }) }),
      ['remove', 'releaseFinalizer'],
    ],
  ])('%s', (_name, vps, seen, steps) => expect(plan(vps, seen)).toEqual(steps))
})
