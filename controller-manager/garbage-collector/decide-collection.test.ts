import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../lib/api/define-kind.js'
import { type CollectionStep, decideCollection, type OwnerState } from './decide-collection.js'
import { type GraphItem, OwnerGraph } from './owner-graph.js'

const item = (parts: Partial<GraphItem> = {}): GraphItem => ({
  kind: 'v1 ConfigMap',
  namespace: 'default',
  name: 'a',
  uid: 'a',
  resourceVersion: '1',
  owners: [],
  finalizers: [],
  deleting: false,
  ...parts,
})
const owner = (uid: string, blockOwnerDeletion = false) => ({ apiVersion: 'v1', kind: 'ConfigMap', name: uid, uid, blockOwnerDeletion })
const owned = (states: Record<string, OwnerState>, parts: Partial<GraphItem> = {}) => ({
  item: item({ owners: Object.keys(states).map((uid) => owner(uid)), ...parts }),
  states,
})
const blocking = item({ uid: 'd', owners: [owner('a', true)] })
const loose = item({ uid: 'd', owners: [owner('a', false)] })
const deleting = (...finalizers: string[]) => ({ item: item({ deleting: true, finalizers }), states: {} })
const background = { type: 'delete', policy: 'Background', unblock: false } as const

describe('an object', () => {
  it.each<[string, { item: GraphItem; states: Record<string, OwnerState> }, GraphItem[], CollectionStep]>([
    ['without owners stays', owned({}), [], { type: 'none' }],
    ['whose owner is there stays', owned({ x: 'there' }), [], { type: 'none' }],
    ['whose only owner is absent goes', owned({ x: 'absent' }), [], background],
    ['whose owners are all absent goes', owned({ x: 'absent', y: 'absent' }), [], background],
    ['that has another owner loses only the absent one', owned({ x: 'absent', y: 'there' }), [], { type: 'dropOwners', uids: ['x'] }],
    [
      'that has another owner loses the one that waits for it',
      owned({ x: 'waiting', y: 'there' }),
      [],
      { type: 'dropOwners', uids: ['x'] },
    ],
    ['whose owner waits for it goes', owned({ x: 'waiting' }), [], background],
    [
      'whose owner waits goes after its own dependents',
      owned({ x: 'waiting' }),
      [loose],
      { type: 'delete', policy: 'Foreground', unblock: false },
    ],
    [
      'that waits for its owner while that waits for it stops blocking',
      owned({ x: 'waiting' }),
      [item({ deleting: true, finalizers: ['foregroundDeletion'] })],
      { type: 'delete', policy: 'Foreground', unblock: true },
    ],
    ['of whose owner nothing can be said stays', owned({ x: 'unknown' }), [], { type: 'none' }],
    [
      'of which one owner is unknown loses the absent one, and stays',
      owned({ x: 'unknown', y: 'absent' }),
      [],
      { type: 'dropOwners', uids: ['y'] },
    ],
    [
      'goes as its finalizer says: orphan',
      owned({ x: 'absent' }, { finalizers: ['orphan'] }),
      [],
      { type: 'delete', policy: 'Orphan', unblock: false },
    ],
    [
      'goes as its finalizer says: foreground',
      owned({ x: 'absent' }, { finalizers: ['foregroundDeletion'] }),
      [],
      { type: 'delete', policy: 'Foreground', unblock: false },
    ],
    [
      'that is being deleted otherwise is left alone',
      { ...owned({ x: 'absent' }), item: item({ owners: [owner('x')], deleting: true }) },
      [],
      { type: 'none' },
    ],
    [
      'that is being deleted leaves its dependents behind when asked',
      deleting('orphan'),
      [blocking],
      { type: 'orphan', dependents: [blocking] },
    ],
    ['that waits for its dependents waits while one blocks', deleting('foregroundDeletion'), [blocking], { type: 'none' }],
    [
      'that waits for its dependents does not wait for those that do not block',
      deleting('foregroundDeletion'),
      [loose],
      { type: 'finishForeground' },
    ],
    ['that waits for nothing goes', deleting('foregroundDeletion'), [], { type: 'finishForeground' }],
  ])('%s', (_name, { item: object, states }, dependents, expected) => {
    expect(decideCollection(object, (uid) => states[uid] ?? 'unknown', dependents)).toEqual(expected)
  })
})

describe('the graph', () => {
  const object = (uid: string, metadata: object = {}): KubeObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { uid, name: uid, namespace: 'default', resourceVersion: '1', creationTimestamp: '', ...metadata },
  })

  it('knows where everything is, and keeps only what matters', () => {
    const graph = new OwnerGraph()
    expect(graph.change('ADDED', object('x'))).toEqual([])
    expect(graph.where('x')).toEqual({ kind: 'v1 ConfigMap', namespace: 'default', name: 'x' })
    expect(graph.item('x')).toBeUndefined()
    expect(graph.change('ADDED', object('a', { ownerReferences: [owner('x')] }))).toEqual(['a', 'x'])
    expect(graph.dependentsOf('x').map(({ uid }) => uid)).toEqual(['a'])
  })

  it('names the dependents of what is deleted, and the owners that wait for it', () => {
    const graph = new OwnerGraph()
    graph.change('ADDED', object('x'))
    graph.change('ADDED', object('a', { ownerReferences: [owner('x')] }))
    expect(graph.change('DELETED', object('x'))).toEqual(['a'])
    expect(graph.where('x')).toBeUndefined()
    expect(graph.change('DELETED', object('a'))).toEqual(['x'])
    expect(graph.dependentsOf('x')).toEqual([])
  })

  it('names an owner whose dependent stopped naming it', () => {
    const graph = new OwnerGraph()
    graph.change('ADDED', object('a', { ownerReferences: [owner('x', true)] }))
    expect(graph.change('MODIFIED', object('a'))).toEqual(['x'])
  })

  it('finds out by a new whole state what was deleted while nobody looked', () => {
    const graph = new OwnerGraph()
    graph.change('ADDED', object('x'))
    graph.change('ADDED', object('a', { ownerReferences: [owner('x')] }))
    graph.begin()
    graph.change('ADDED', object('a', { ownerReferences: [owner('x')] }))
    expect(graph.complete()).toEqual(['a'])
    expect(graph.where('x')).toBeUndefined()
    expect(graph.item('a')).toBeDefined()
  })
})
