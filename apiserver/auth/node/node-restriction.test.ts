import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Kind, KubeObject } from '../../../lib/api/define-kind.js'
import { Node } from '../../../lib/api/kinds/node.js'
import { Task } from '../../../lib/api/kinds/task.js'
import { Vps } from '../../../lib/api/kinds/vps.js'
import { aStored, storeOf } from '../fixtures/stored.js'
import type { UserInfo } from '../user.js'
import { type NodeWrite, nodeRestriction } from './node-restriction.js'

const user: UserInfo = { name: 'system:node:a', groups: ['system:nodes', 'system:authenticated'] }
const view = storeOf([
  aStored(Task as unknown as Kind, { metadata: { namespace: 'default', name: 'mine' }, spec: { nodeName: 'a' } }),
  aStored(Task as unknown as Kind, { metadata: { namespace: 'default', name: 'theirs' }, spec: { nodeName: 'b' } }),
  aStored(Vps, { metadata: { namespace: 'default', name: 'mine' }, spec: { nodeName: 'a' } }),
  aStored(Vps, { metadata: { namespace: 'default', name: 'theirs' }, spec: { nodeName: 'b' } }),
  aStored(Node as unknown as Kind, { metadata: { name: 'a' } }),
])

const kinds = {
  Task: { group: 'millrace.dev', plural: 'tasks' },
  Vps: { group: 'millrace.dev', plural: 'vpses' },
  Node: { group: '', plural: 'nodes' },
  Lease: { group: 'coordination.k8s.io', plural: 'leases' },
  Event: { group: '', plural: 'events' },
  Secret: { group: '', plural: 'secrets' },
  CertificateSigningRequest: { group: 'certificates.k8s.io', plural: 'certificatesigningrequests' },
}
type KindName = keyof typeof kinds
type Fields = { metadata?: Record<string, unknown>; [field: string]: unknown }

const object = (kind: KindName, { metadata, ...fields }: Fields): KubeObject =>
  ({
    apiVersion: 'v1',
    kind,
    metadata: { name: 'a', uid: 'u', resourceVersion: '7', creationTimestamp: 't', ...metadata },
    ...fields,
  }) as KubeObject

/** The fields that a write of node a is refused for. */
function refused(kind: KindName, old: Fields | undefined, next: Fields | undefined, subresource = '', as = user): (string | undefined)[] {
  const write: NodeWrite = {
    user: as,
    kind: kinds[kind],
    subresource,
    old: old && object(kind, old),
    next: next && object(kind, next),
    view,
  }
  return nodeRestriction(write).map(({ field }) => field)
}

const finalizers = ['example.com/other', 'millrace.dev/node-cleanup']
const task: Fields = {
  metadata: { name: 'mine', namespace: 'default', labels: { app: 'x' }, finalizers, generation: 1 },
  spec: { nodeName: 'a', image: 'busybox', tolerations: [{ key: 'k' }] },
  status: { phase: 'Running' },
}
const withMetadata = (base: Fields, metadata: Record<string, unknown>): Fields => ({ ...base, metadata: { ...base.metadata, ...metadata } })

describe('a node and a Task', () => {
  it.each<[string, Fields, string, Fields]>([
    ['reports its status', task, 'status', { ...task, status: { phase: 'Succeeded', exitCode: 0 } }],
    ['takes its finalizer away', task, '', withMetadata(task, { finalizers: ['example.com/other'] })],
    [
      'takes its finalizer away, the last one',
      withMetadata(task, { finalizers: ['millrace.dev/node-cleanup'] }),
      '',
      withMetadata(task, { finalizers: undefined }),
    ],
    ['changes nothing', task, '', task],
  ])('%s', (_case, old, subresource, next) => {
    expect(refused('Task', old, next, subresource)).toEqual([])
  })

  it.each<[string, string, Fields, string]>([
    ['changes the image', '', { ...task, spec: { nodeName: 'a', image: 'evil', tolerations: [{ key: 'k' }] } }, 'spec'],
    ['changes the spec through the status', 'status', { ...task, spec: { nodeName: 'a' } }, 'spec'],
    ['changes the status outside of it', '', { ...task, status: { phase: 'Failed' } }, 'status'],
    ['adds a field', '', { ...task, data: {} }, 'data'],
    ['changes labels', '', withMetadata(task, { labels: { app: 'y' } }), 'metadata.labels'],
    ['changes labels through the status', 'status', withMetadata(task, { labels: {} }), 'metadata.labels'],
    ['adds an annotation', '', withMetadata(task, { annotations: { a: 'b' } }), 'metadata.annotations'],
    ['gives it an owner', '', withMetadata(task, { ownerReferences: [{ uid: 'x' }] }), 'metadata.ownerReferences'],
    ["takes another's finalizer away", '', withMetadata(task, { finalizers: ['millrace.dev/node-cleanup'] }), 'metadata.finalizers'],
    ['takes all finalizers away', '', withMetadata(task, { finalizers: [] }), 'metadata.finalizers'],
    ['adds a finalizer', '', withMetadata(task, { finalizers: [...finalizers, 'evil/x'] }), 'metadata.finalizers'],
    [
      'takes its finalizer away through the status',
      'status',
      withMetadata(task, { finalizers: ['example.com/other'] }),
      'metadata.finalizers',
    ],
    ['binds it', 'binding', task, 'metadata.name'],
  ])('may not be: %s', (_case, subresource, next, field) => {
    expect(refused('Task', task, next, subresource)).toEqual([field])
  })

  describe('that people applied', () => {
    const applied = (fieldsV1: object, more: object = {}) => ({
      manager: 'kubectl',
      operation: 'Apply',
      apiVersion: 'v1',
      fieldsV1,
      ...more,
    })
    const own = { 'f:finalizers': { 'v:"example.com/other"': {}, 'v:"millrace.dev/node-cleanup"': {} } }
    const entry = applied({ 'f:metadata': own, 'f:spec': { 'f:image': {} } })
    const old = withMetadata(task, { managedFields: [entry] })
    const status = {
      manager: 'agent',
      operation: 'Apply',
      apiVersion: 'v1',
      subresource: 'status',
      fieldsV1: { 'f:status': { 'f:phase': {} } },
    }

    it.each<[string, string, object[]]>([
      ['loses its finalizer, and whoever applied that', '', [applied({ 'f:spec': { 'f:image': {} } }, { time: 'later' })]],
      ['has a status, which the node applied', 'status', [entry, status]],
    ])('%s', (_case, subresource, managedFields) => {
      expect(refused('Task', old, withMetadata(old, { managedFields }), subresource)).toEqual([])
    })

    it.each<[string, object[] | undefined]>([
      ['applied more than they did', [applied({ 'f:metadata': own, 'f:spec': { 'f:image': {}, 'f:tolerations': {} } })]],
      ['applied less', [applied({ 'f:metadata': own })]],
      ['are others', [{ ...entry, manager: 'other' }]],
      ['are more than they are', [entry, { ...entry, manager: 'other' }]],
      ['applied labels', [applied({ 'f:metadata': { ...own, 'f:labels': {} }, 'f:spec': { 'f:image': {} } })]],
      ['applied nothing', undefined],
    ])('may not be told that they %s', (_case, managedFields) => {
      expect(refused('Task', old, withMetadata(old, { managedFields }))).toEqual(['metadata.managedFields'])
    })
  })

  it('is refused for a Task of another node, or of none', () => {
    for (const nodeName of ['b', undefined]) {
      const theirs = { ...task, spec: { nodeName } }
      expect(refused('Task', theirs, { ...theirs, status: {} }, 'status')).toEqual(['spec.nodeName'])
    }
  })

  it('is refused to make one, and to delete one', () => {
    expect(refused('Task', undefined, task)).toEqual(['metadata.name'])
    expect(refused('Task', task, undefined)).toEqual(['metadata.name'])
  })
})

const self: Fields = { metadata: { labels: { app: 'x' } }, spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] }, status: {} }

describe('a node and its Node', () => {
  it.each<[string, Fields | undefined, string, Fields]>([
    [
      'registers',
      undefined,
      '',
      { metadata: { labels: { 'kubernetes.io/arch': 'amd64', rack: '7', 'example.com/x': 'y' } }, spec: { taints: [{ key: 'new' }] } },
    ],
    ['reports its status', self, 'status', { ...self, status: { capacity: { cpu: '4' } } }],
    ['keeps the facts in its labels up to date', self, '', withMetadata(self, { labels: { app: 'x', 'kubernetes.io/os': 'linux' } })],
    ['notes something down', self, '', withMetadata(self, { annotations: { 'example.com/x': 'y' } })],
  ])('%s', (_case, old, subresource, next) => {
    expect(refused('Node', old, next, subresource)).toEqual([])
  })

  it.each<[string, Fields | undefined, string, Fields, string]>([
    ['under another name', undefined, '', { metadata: { name: 'b' } }, 'metadata.name'],
    ["another's status", withMetadata(self, { name: 'b' }), 'status', withMetadata(self, { name: 'b' }), 'metadata.name'],
    ['with a role', undefined, '', { metadata: { labels: { 'millrace.dev/role': 'gpu' } } }, 'metadata.labels[millrace.dev/role]'],
    [
      'with a zone',
      undefined,
      '',
      { metadata: { labels: { 'topology.kubernetes.io/zone': 'z' } } },
      'metadata.labels[topology.kubernetes.io/zone]',
    ],
    [
      'with a label that restricts nodes',
      undefined,
      '',
      { metadata: { labels: { 'tenant.node-restriction.kubernetes.io/x': 'y' } } },
      'metadata.labels[tenant.node-restriction.kubernetes.io/x]',
    ],
    ['with an owner', undefined, '', { metadata: { ownerReferences: [{ uid: 'x' }] } }, 'metadata'],
    ['with a finalizer', undefined, '', { metadata: { finalizers: ['x/y'] } }, 'metadata'],
    ['a label that draws work', self, '', withMetadata(self, { labels: { app: 'x', gpu: 'a100' } }), 'metadata.labels[gpu]'],
    ['a label less', self, '', withMetadata(self, { labels: {} }), 'metadata.labels[app]'],
    [
      "the cluster's word about it",
      self,
      '',
      withMetadata(self, { annotations: { 'millrace.dev/trusted': 'y' } }),
      'metadata.annotations[millrace.dev/trusted]',
    ],
    ['a taint less', self, '', { ...self, spec: {} }, 'spec'],
    ['a taint less, through the status', self, 'status', { ...self, spec: {} }, 'spec'],
    ['a label through the status', self, 'status', withMetadata(self, { labels: { app: 'y' } }), 'metadata.labels'],
    ['the end of its cordon', { ...self, spec: { unschedulable: true } }, '', { ...self, spec: {} }, 'spec'],
    ['a finalizer that stays', self, '', withMetadata(self, { finalizers: ['x/y'] }), 'metadata.finalizers'],
  ])('may not write: %s', (_case, old, subresource, next, field) => {
    expect(refused('Node', old, next, subresource)).toEqual([field])
  })

  it('is refused to delete it', () => {
    expect(refused('Node', self, undefined)).toEqual(['metadata.name'])
  })
})

describe('a node and the rest', () => {
  const lease = (name: string, namespace: string, holderIdentity?: string): Fields => ({
    metadata: { name, namespace },
    spec: { holderIdentity },
  })
  const event = (about: object, rest: Fields = {}): Fields => ({
    source: { host: 'a' },
    ...rest,
    metadata: { name: 'e', namespace: 'default', ...rest.metadata },
    involvedObject: about,
  })
  const mine = { kind: 'Task', namespace: 'default', name: 'mine' }

  it.each<[string, KindName, Fields]>([
    ['its heartbeat', 'Lease', lease('a', 'kube-node-lease', 'a')],
    ['an event about itself', 'Event', event({ kind: 'Node', name: 'a', uid: 'uid-of-a' })],
    ['an event about its Task', 'Event', event({ ...mine, uid: 'uid-of-mine' })],
    ['an event about its Vps', 'Event', event({ ...mine, kind: 'Vps', uid: 'uid-of-mine' })],
    ['a request for a certificate', 'CertificateSigningRequest', { spec: {} }],
  ])('it makes %s', (_case, kind, next) => {
    expect(refused(kind, undefined, next)).toEqual([])
  })

  it.each<[string, KindName, Fields | undefined, Fields, string[]]>([
    ["another's heartbeat", 'Lease', undefined, lease('b', 'kube-node-lease', 'a'), ['metadata.name']],
    ['a Lease elsewhere', 'Lease', undefined, lease('a', 'kube-system', 'a'), ['metadata.name']],
    ["a heartbeat in another's name", 'Lease', undefined, lease('a', 'kube-node-lease', 'b'), ['spec.holderIdentity']],
    ["an event about another's Task", 'Event', undefined, event({ ...mine, name: 'theirs' }), ['involvedObject']],
    ['an event about no Task', 'Event', undefined, event({ ...mine, name: 'absent' }), ['involvedObject']],
    ['an event about another Node', 'Event', undefined, event({ kind: 'Node', name: 'b' }), ['involvedObject']],
    ['an event about a Secret', 'Event', undefined, event({ kind: 'Secret', namespace: 'default', name: 'mine' }), ['involvedObject']],
    ['an event about nothing', 'Event', undefined, { metadata: { namespace: 'default' }, source: { host: 'a' } }, ['involvedObject']],
    ['an event in another namespace', 'Event', undefined, event(mine, { metadata: { namespace: 'tenant' } }), ['involvedObject']],
    ["an event with another's uid", 'Event', undefined, event({ ...mine, uid: 'uid-of-theirs' }), ['involvedObject.uid']],
    ["an event from another's host", 'Event', undefined, event(mine, { source: { host: 'b' } }), ['source.host']],
    ['an event from nowhere', 'Event', undefined, event(mine, { source: {} }), ['source.host']],
    ["an event about another's Vps", 'Event', undefined, event({ ...mine, kind: 'Vps', name: 'theirs' }), ['involvedObject']],
    ['the announcement of a gateway', 'Lease', undefined, lease('a', 'millrace-streams', 'a'), ['metadata.name']],
    ['a Vps', 'Vps', undefined, { spec: {} }, ['metadata.name']],
    ["the status of another's Vps", 'Vps', { spec: { nodeName: 'b' } }, { spec: { nodeName: 'b' }, status: {} }, ['spec.nodeName']],
    ["another's event", 'Event', event({ kind: 'Node', name: 'b' }), event(mine), ['involvedObject']],
    ['a Secret', 'Secret', undefined, {}, ['metadata.name']],
    ['a changed request for a certificate', 'CertificateSigningRequest', { spec: {} }, { spec: {}, status: {} }, ['metadata.name']],
  ])('it may not write: %s', (_case, kind, old, next, fields) => {
    expect(refused(kind, old, next)).toEqual(fields)
  })

  it('what anybody else writes is not judged here', () => {
    const others: UserInfo[] = [
      { name: 'admin', groups: ['system:masters'] },
      { name: 'system:node:a', groups: [] },
    ]
    for (const other of others) expect(refused('Secret', undefined, {}, '', other)).toEqual([])
  })
})

describe('10,000 forged updates', () => {
  const values = fc.oneof(
    fc.constant(undefined),
    fc.string(),
    fc.integer(),
    fc.constant([]),
    fc.constant({}),
    fc.constant(['millrace.dev/node-cleanup']),
    fc.constant('a'),
  )
  const paths = fc.array(
    fc.constantFrom(
      'metadata',
      'spec',
      'status',
      'labels',
      'finalizers',
      'taints',
      'nodeName',
      'annotations',
      'name',
      'uid',
      'phase',
      'app',
      'x',
      '0',
    ),
    { minLength: 1, maxLength: 3 },
  )
  const forgeries = fc.array(fc.tuple(paths, values), { minLength: 1, maxLength: 4 })

  /** A copy with values put at paths, wherever a path leads. */
  function forge(fields: Fields, changes: readonly [string[], unknown][]): Fields {
    const copy = structuredClone(fields)
    for (const [path, value] of changes) {
      let at: Record<string, unknown> = copy
      for (const key of path.slice(0, -1)) {
        if (typeof at[key] !== 'object' || at[key] === null) at[key] = {}
        at = at[key] as Record<string, unknown>
      }
      at[path.at(-1) ?? ''] = structuredClone(value)
    }
    return copy.metadata && typeof copy.metadata === 'object' ? copy : { ...copy, metadata: {} }
  }

  /** What an update by a node may touch, told apart from the code under test: the JSON without it must be the same. */
  function untouchable(fields: Fields, may: (copy: Record<string, never>) => void): string {
    const copy = JSON.parse(JSON.stringify(object('Task', fields)))
    may(copy)
    const sort = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(sort)
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(
              Object.entries(value)
                .sort(([left], [right]) => (left < right ? -1 : 1))
                .map(([key, item]) => [key, sort(item)]),
            )
          : value
    return JSON.stringify(sort(copy))
  }

  it.each<[KindName, Fields, string, (copy: { metadata: Record<string, unknown>; status?: unknown }) => void]>([
    ['Task', task, 'status', (copy) => delete copy.status],
    [
      'Task',
      task,
      '',
      ({ metadata }) => {
        const rest = Array.isArray(metadata.finalizers)
          ? metadata.finalizers.filter((name) => name !== 'millrace.dev/node-cleanup')
          : metadata.finalizers
        metadata.finalizers = Array.isArray(rest) && rest.length === 0 ? undefined : rest
      },
    ],
    ['Node', self, 'status', (copy) => delete copy.status],
    [
      'Node',
      self,
      '',
      (copy) => {
        delete copy.status
        delete copy.metadata.annotations
      },
    ],
  ])('of a %s (%#): only what a node may write passes', (kind, old, subresource, may) => {
    let passed = 0
    const judge = (changes: [string[], unknown][]) => {
      const next = forge(old, changes)
      if (refused(kind, old, next, subresource).length > 0) return
      passed++
      expect(untouchable(next, may as never)).toBe(untouchable(old, may as never))
    }
    fc.assert(fc.property(forgeries, judge), { numRuns: 2500 })
    expect(passed).toBeGreaterThan(0)
  })
})
