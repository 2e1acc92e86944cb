import { describe, expect, it } from 'vitest'
import type { Kind, KubeObject } from '../../../lib/api/define-kind.js'
import { IPClaim } from '../../../lib/api/kinds/ip-claim.js'
import { Node } from '../../../lib/api/kinds/node.js'
import { Task } from '../../../lib/api/kinds/task.js'
import { Tunnel } from '../../../lib/api/kinds/tunnel.js'
import { Vps } from '../../../lib/api/kinds/vps.js'
import { VpsSnapshot } from '../../../lib/api/kinds/vps-snapshot.js'
import { storeOf } from '../fixtures/stored.js'
import { nodeRestriction } from './node-restriction.js'

/** Whoever says a field: the agent of the node, or somebody else, for whom the agent must not speak. */
type Says = 'agent' | 'server' | 'scheduler' | 'controller' | 'gateway'

interface Owners {
  readonly kind: Kind
  readonly fields: Record<string, Says>
  readonly conditions: Record<string, Says>
}

const agents = (...names: string[]): Record<string, Says> => Object.fromEntries(names.map((name) => [name, 'agent']))

/** Every field of every status that has to do with nodes, and who says it. */
const owners: readonly Owners[] = [
  {
    kind: Task as unknown as Kind,
    fields: {
      ...agents('phase', 'observedGeneration', 'startedAt', 'finishedAt', 'exitCode', 'signal', 'oomKilled'),
      ...agents('restarts', 'address', 'runtimeId'),
      attempt: 'server',
      evictionGracePeriodSeconds: 'server',
      gpus: 'server',
    },
    conditions: { ...agents('Accepted', 'ImageReady', 'Running', 'Ready', 'Complete'), Scheduled: 'scheduler', DisruptionTarget: 'server' },
  },
  {
    kind: Vps as unknown as Kind,
    fields: {
      ...agents('phase', 'observedGeneration', 'startedAt', 'stoppedAt', 'starts', 'address', 'runtimeId', 'resources', 'restoredFrom'),
      gpus: 'server',
      sshPublicKey: 'controller',
      sshHostKey: 'gateway',
      sshCommand: 'gateway',
      snapshots: 'controller',
    },
    conditions: {
      ...agents('Accepted', 'ImageReady', 'DiskReady', 'Running', 'Ready', 'ResizePending', 'Restored'),
      Scheduled: 'scheduler',
      KeyReady: 'controller',
      SnapshotsTaken: 'controller',
    },
  },
  {
    kind: VpsSnapshot as unknown as Kind,
    fields: { ...agents('phase', 'takenAt', 'sizeBytes'), backend: 'server', vpsUid: 'server', image: 'server' },
    conditions: agents('Ready'),
  },
  {
    // It is about the node itself, which says nothing of others by it; where it lies
    // about itself, others are told by its Lease and their own eyes.
    kind: Node as unknown as Kind,
    fields: {
      ...agents('capacity', 'allocatable', 'cpuFactor', 'addresses', 'backends', 'isolation', 'gpus', 'displayDevices', 'numa', 'images'),
      ...agents('nodeInfo'),
    },
    conditions: agents('Ready', 'MemoryPressure', 'DiskPressure', 'BackendReady', 'NetworkReady'),
  },
  { kind: IPClaim as unknown as Kind, fields: {}, conditions: {} },
  {
    kind: Tunnel as unknown as Kind,
    fields: { observedGeneration: 'gateway', endpoint: 'gateway', gateways: 'gateway' },
    conditions: { Listening: 'gateway', TargetReady: 'gateway' },
  },
]

const user = { name: 'system:node:a', groups: ['system:nodes', 'system:authenticated'] }

/** The fields that a node's write of this status, of what is bound to it, is refused for. */
function refused(kind: Kind, before: object | undefined, after: object | undefined, managedFields?: readonly object[]) {
  const object = (status: object | undefined, managed: readonly object[] = []): KubeObject =>
    ({
      apiVersion: kind.apiVersion,
      kind: kind.kind,
      metadata: { name: 'a', namespace: 'default', uid: 'u', managedFields: managed },
      spec: { nodeName: 'a' },
      ...(status ? { status } : {}),
    }) as unknown as KubeObject
  const view = storeOf([])
  return nodeRestriction({ user, kind, subresource: 'status', old: object(before), next: object(after, managedFields), view }).map(
    ({ field }) => field,
  )
}

const condition = (type: string, status = 'True') => ({ type, status, reason: 'Told' })

describe.each(owners.map((owner) => [owner.kind.kind, owner] as const))('the status of a %s', (_name, { kind, fields, conditions }) => {
  it('has no field and no condition of which nobody knows who says it', () => {
    const { conditions: _conditions, ...properties } = kind.schema.properties?.status?.properties ?? {}
    expect(Object.keys(properties).sort()).toEqual(Object.keys(fields).sort())
    expect([...(kind.conditions ?? [])].sort()).toEqual(Object.keys(conditions).sort())
  })

  it('is written by a node where the agent says it, and nowhere else', () => {
    const writable = Object.keys(fields).filter((field) => refused(kind, {}, { [field]: 7 }).length === 0)
    const changed = Object.keys(fields).filter((field) => refused(kind, { [field]: 1 }, { [field]: 7 }).length === 0)
    const removed = Object.keys(fields).filter((field) => refused(kind, { [field]: 1 }, undefined).length === 0)
    const own = Object.keys(fields).filter((field) => fields[field] === 'agent')
    expect({ writable, changed, removed }).toEqual({ writable: own, changed: own, removed: own })
    const types = Object.keys(conditions).filter((type) => refused(kind, {}, { conditions: [condition(type)] }).length === 0)
    expect(types).toEqual(Object.keys(conditions).filter((type) => conditions[type] === 'agent'))
  })
})

describe('the words of others in the status of a Vps', () => {
  const kind = Vps as unknown as Kind
  const theirs = { sshPublicKey: 'ssh-ed25519 AAAA', gpus: [0], snapshots: { lastStop: 1 }, conditions: [condition('Scheduled')] }

  it('stay beside what the agent says', () => {
    const says = { ...theirs, phase: 'Running', conditions: [condition('Running'), condition('Scheduled')] }
    expect(refused(kind, theirs, says)).toEqual([])
  })

  it.each<[string, object, string[]]>([
    ['a key of its own', { ...theirs, sshPublicKey: 'ssh-ed25519 EVIL' }, ['status.sshPublicKey']],
    ['another condition', { ...theirs, conditions: [condition('Scheduled', 'False')] }, ['status.conditions[Scheduled]']],
    ['a condition less', { ...theirs, conditions: [] }, ['status.conditions[Scheduled]']],
    ['one that nobody knows', { ...theirs, conditions: [condition('Scheduled'), condition('Mine')] }, ['status.conditions[Mine]']],
    ['a field that nobody knows', { ...theirs, sshKeys: [] }, ['status.sshKeys']],
    ['no status', {}, ['status.sshPublicKey', 'status.gpus', 'status.snapshots', 'status.conditions[Scheduled]']],
  ])('are not changed by a node: %s', (_case, after, expected) => expect(refused(kind, theirs, after)).toEqual(expected))

  it.each<[string, object, string[]]>([
    ['its own', { 'f:phase': {}, 'f:conditions': { '.': {}, 'k:{"type":"Ready"}': { '.': {} } } }, []],
    ['a field of others', { 'f:sshPublicKey': {} }, ['metadata.managedFields']],
    ['a condition of others', { 'f:conditions': { 'k:{"type":"KeyReady"}': { '.': {} } } }, ['metadata.managedFields']],
  ])('are not said to be applied by somebody: %s', (_case, fields, expected) => {
    const applied = {
      manager: 'm',
      operation: 'Apply',
      apiVersion: 'millrace.dev/v1',
      subresource: 'status',
      fieldsV1: { 'f:status': fields },
    }
    expect(refused(kind, theirs, theirs, [applied])).toEqual(expected)
  })
})

it('the first attempt of a Task is one before and after its agent has said so', () => {
  const kind = Task as unknown as Kind
  expect(refused(kind, {}, { attempt: 0 })).toEqual([])
  expect(refused(kind, { attempt: 1 }, { attempt: 2 })).toEqual(['status.attempt'])
})
