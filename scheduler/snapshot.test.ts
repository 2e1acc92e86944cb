import { describe, expect, it } from 'vitest'
import { ManualClock } from '../lib/testing/manual-clock.js'
import { aNode, asking, aWorkload } from './fixtures/builders.js'
import { Snapshot } from './snapshot.js'

const gib = 1024 ** 3

function aSnapshot() {
  const clock = new ManualClock()
  const snapshot = new Snapshot(clock)
  snapshot.setNode(aNode({ name: 'n1' }))
  snapshot.setNode(aNode({ name: 'n2' }))
  snapshot.takeChangedNodes()
  return { clock, snapshot, memoryOn: (name: string) => (snapshot.node(name)?.use.memory ?? 0) / gib }
}
const bound = (nodeName: string, name = 'a') => asking('2Gi', '1', { name, spec: { nodeName } })

describe('the snapshot', () => {
  it('counts a bound workload on its node, once, however often it is seen', () => {
    const { snapshot, memoryOn } = aSnapshot()
    snapshot.setWorkload(bound('n1'))
    snapshot.setWorkload(bound('n1'))
    expect(memoryOn('n1')).toBe(2)
    expect(snapshot.node('n1')?.use.cpu).toBe(1000)
  })

  it.each([
    ['removed', (snapshot: Snapshot) => snapshot.removeWorkload(bound('n1').key)],
    ['unbound', (snapshot: Snapshot) => snapshot.setWorkload(asking('2Gi', '1'))],
    ['ended', (snapshot: Snapshot) => snapshot.setWorkload(aWorkload({ spec: { nodeName: 'n1' }, status: { phase: 'Failed' } }))],
  ])('frees what a workload held when it is %s, and says that its node may admit more', (_name, change) => {
    const { snapshot, memoryOn } = aSnapshot()
    snapshot.setWorkload(bound('n1'))
    expect(snapshot.hasChangedNodes).toBe(false)
    change(snapshot)
    expect(memoryOn('n1')).toBe(0)
    expect(snapshot.takeChangedNodes().map(({ name }) => name)).toEqual(['n1'])
    expect(snapshot.hasChangedNodes).toBe(false)
  })

  it('counts a paused workload', () => {
    const { snapshot, memoryOn } = aSnapshot()
    snapshot.setWorkload(asking('2Gi', '1', { spec: { nodeName: 'n1', suspend: true } }))
    expect(memoryOn('n1')).toBe(2)
  })

  it('counts workloads of a node that is not known yet', () => {
    const { snapshot, memoryOn } = aSnapshot()
    snapshot.setWorkload(bound('n3'))
    snapshot.setNode(aNode({ name: 'n3' }))
    expect(memoryOn('n3')).toBe(2)
  })

  it('still counts them when the Node object goes and comes back', () => {
    const { snapshot, memoryOn } = aSnapshot()
    snapshot.setWorkload(bound('n1'))
    snapshot.removeNode('n1')
    expect(snapshot.nodes.map(({ name }) => name)).toEqual(['n2'])
    snapshot.setNode(aNode({ name: 'n1' }))
    expect(memoryOn('n1')).toBe(2)
  })

  it('keeps an assumption while the watch still shows the workload unbound', () => {
    const { snapshot, memoryOn } = aSnapshot()
    snapshot.assume(asking('2Gi'), 'n1')
    snapshot.setWorkload(asking('2Gi'))
    expect(memoryOn('n1')).toBe(2)
  })

  it('replaces an assumption by what the watch shows, also when another scheduler bound it elsewhere', () => {
    const { snapshot, memoryOn } = aSnapshot()
    snapshot.assume(asking('2Gi'), 'n1')
    snapshot.setWorkload(bound('n2'))
    expect([memoryOn('n1'), memoryOn('n2')]).toEqual([0, 2])
    expect(snapshot.isAssumed(bound('n2').key)).toBe(false)
    snapshot.forget(bound('n2').key)
    expect(memoryOn('n2')).toBe(2)
  })

  it('drops an assumption about an object that was replaced by another of its name', () => {
    const { snapshot, memoryOn } = aSnapshot()
    snapshot.assume(asking('2Gi'), 'n1')
    snapshot.setWorkload(asking('2Gi', '1', { metadata: { uid: 'another' } }))
    expect(memoryOn('n1')).toBe(0)
  })

  it('ends an assumption that nothing confirmed in time, and no other', async () => {
    const { clock, snapshot, memoryOn } = aSnapshot()
    const late = asking('2Gi', '1', { name: 'late' })
    snapshot.assume(asking('1Gi', '1', { name: 'under-way' }), 'n1')
    snapshot.assume(late, 'n1')
    snapshot.confirmWithin(late.key, 30_000)
    await clock.advance(29_999)
    expect(snapshot.expire()).toEqual([])
    await clock.advance(1)
    expect(snapshot.expire()).toEqual([late.key])
    expect(memoryOn('n1')).toBe(1)
  })

  it('says that a node may admit more when its facts change, and not for a heartbeat', () => {
    const { snapshot } = aSnapshot()
    snapshot.setNode(aNode({ name: 'n1', metadata: { resourceVersion: '7' } }))
    expect(snapshot.hasChangedNodes).toBe(false)
    snapshot.setNode(aNode({ name: 'n1', spec: { unschedulable: true } }))
    expect(snapshot.takeChangedNodes().map(({ name }) => name)).toEqual(['n1'])
  })

  it('reports an over-committed node once, and again after it was in order', () => {
    const { snapshot } = aSnapshot()
    snapshot.setWorkload(asking('6Gi', '1', { name: 'a', spec: { nodeName: 'n1' } }))
    expect(snapshot.newOverCommit('n1')).toBeUndefined()
    snapshot.setWorkload(asking('4Gi', '1', { name: 'b', spec: { nodeName: 'n1' } }))
    expect(snapshot.newOverCommit('n1')).toBe('workloads were promised 10Gi of memory, the node has 8Gi')
    expect(snapshot.newOverCommit('n1')).toBeUndefined()
    snapshot.removeWorkload(bound('n1', 'b').key)
    expect(snapshot.newOverCommit('n1')).toBeUndefined()
    snapshot.setWorkload(asking('4Gi', '1', { name: 'b', spec: { nodeName: 'n1' } }))
    expect(snapshot.newOverCommit('n1')).toContain('10Gi')
  })

  it('does not call over-committed what it only assumes: the API will refuse what another scheduler was faster with', () => {
    const { snapshot } = aSnapshot()
    snapshot.assume(asking('4Gi', '1', { name: 'mine' }), 'n1')
    snapshot.setWorkload(asking('6Gi', '1', { name: 'theirs', spec: { nodeName: 'n1' } }))
    expect(snapshot.newOverCommit('n1')).toBeUndefined()
    snapshot.setWorkload(asking('4Gi', '1', { name: 'mine', spec: { nodeName: 'n1' } }))
    expect(snapshot.newOverCommit('n1')).toContain('10Gi')
  })

  it('does not call a node over-committed that has not said yet what it has', () => {
    const { snapshot } = aSnapshot()
    snapshot.setNode(aNode({ name: 'n3', status: { allocatable: {} } }))
    snapshot.setWorkload(bound('n3'))
    expect(snapshot.newOverCommit('n3')).toBeUndefined()
  })
})
