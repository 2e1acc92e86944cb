import { describe, expect, it } from 'vitest'
import { findCondition } from '../../lib/api/condition.js'
import { Event } from '../../lib/api/kinds/event.js'
import { aNode } from '../fixtures/builders.js'
import { controlledCluster } from '../fixtures/controlled-cluster.js'
import { judgeNode, silentAfterMs } from './judge-node.js'
import { Silence } from './silence.js'
import { WatchTime } from './watch-time.js'

const now = Date.UTC(2026, 0, 1)
const unreachable = (effect: 'NoSchedule' | 'NoExecute') => ({
  key: 'node.kubernetes.io/unreachable',
  effect,
  ...(effect === 'NoExecute' ? { timeAdded: '2026-01-01T00:00:00Z' } : {}),
})
const notReady = (effect: 'NoSchedule' | 'NoExecute') => ({ ...unreachable(effect), key: 'node.kubernetes.io/not-ready' })
const own = { key: 'team', value: 'ml', effect: 'NoSchedule' as const }

describe('a node', () => {
  it.each([
    ['that reports and is ready is left alone', aNode(), 0, 'True', undefined],
    ['that has been silent for less than 40 s is left alone', aNode(), 39_999, 'True', undefined],
    [
      'that has been silent for 40 s is Unknown and unreachable',
      aNode(),
      40_000,
      'Unknown',
      [unreachable('NoSchedule'), unreachable('NoExecute')],
    ],
    ['that says it is not ready is tainted so', aNode({ ready: 'False' }), 0, 'False', [notReady('NoSchedule'), notReady('NoExecute')]],
    [
      'that is Unknown stays so until its agent speaks',
      aNode({ ready: 'Unknown' }),
      0,
      'Unknown',
      [unreachable('NoSchedule'), unreachable('NoExecute')],
    ],
    [
      'that turns from not ready to silent changes its taints',
      aNode({ ready: 'False', spec: { taints: [notReady('NoExecute'), own] } }),
      40_000,
      'Unknown',
      [own, unreachable('NoSchedule'), unreachable('NoExecute')],
    ],
    [
      'that is ready again loses the taints, and keeps those of others',
      aNode({ spec: { taints: [unreachable('NoSchedule'), own, unreachable('NoExecute')] } }),
      0,
      'True',
      [own],
    ],
  ] as const)('%s', (_name, node, silentMs, ready, taints) => {
    const judged = judgeNode(node, silentMs, now)
    expect(findCondition(judged, 'Ready')?.status).toBe(ready)
    expect(judged.spec.taints).toEqual(taints)
    expect(judgeNode(judged, silentMs, now + 60_000)).toBe(judged)
  })

  it('that is silent says nothing about its pressure either', () => {
    const conditions = (['Ready', 'DiskPressure'] as const).map((type) => ({ type, status: 'False' as const }))
    const judged = judgeNode(aNode({ status: { conditions } }), 40_000, now)
    expect(judged.status?.conditions?.map(({ type, status }) => `${type} ${status}`)).toEqual(['Ready Unknown', 'DiskPressure Unknown'])
  })
})

describe('how long a node may be silent', () => {
  it.each<[string, number | undefined, number]>([
    ['is 40 s for one that does not say', undefined, 40],
    ['is what its Lease says', 8, 8],
    ['is never more than 40 s', 86_400, 40],
    ['is 40 s for one that says nonsense', -1, 40],
  ])('%s', (_name, leaseDurationSeconds, seconds) => {
    expect(silentAfterMs({ spec: leaseDurationSeconds === undefined ? {} : { leaseDurationSeconds } })).toBe(seconds * 1000)
  })

  it('stands in the Lease that was seen last', () => {
    const silence = new Silence({ countedMs: 0 })
    silence.saw('n1')
    expect(silence.limitOf('n1')).toBe(40_000)
    silence.saw('n1', { spec: { renewTime: 'a', holderIdentity: 'n1', leaseDurationSeconds: 8 } })
    expect(silence.limitOf('n1')).toBe(8_000)
    expect(judgeNode(aNode(), 8_000, now, silence.limitOf('n1')).spec.taints).toEqual([unreachable('NoSchedule'), unreachable('NoExecute')])
  })
})

describe('watch time', () => {
  const times = (maxGapMs = 15_000) => new WatchTime(maxGapMs)

  it('counts between beats that came back', () => {
    const time = times()
    for (const beat of [1_000, 4_000, 7_000]) time.confirm(beat)
    expect(time.countedMs).toBe(6_000)
  })

  it('does not count while the watch was down', () => {
    const time = times()
    time.confirm(0)
    time.confirm(3_000)
    time.interrupt()
    time.confirm(600_000)
    time.confirm(603_000)
    expect(time.countedMs).toBe(6_000)
  })

  it('does not believe that the process saw anything while it was stopped itself', () => {
    const time = times()
    time.confirm(0)
    time.confirm(3_600_000)
    expect(time.countedMs).toBe(15_000)
  })

  it('makes a node silent only by what this process could have seen', () => {
    const time = times()
    const silence = new Silence(time)
    const renewed = (at: string) => silence.saw('n1', { spec: { renewTime: at, holderIdentity: 'n1' } })
    expect(silence.of('n1')).toBe(0)
    time.confirm(0)
    time.confirm(10_000)
    renewed('a')
    time.confirm(20_000)
    renewed('a')
    expect(silence.of('n1')).toBe(10_000)
    time.interrupt()
    time.confirm(90_000)
    expect(silence.of('n1')).toBe(10_000)
    renewed('2020-01-01: whatever the clock of the node says')
    expect(silence.of('n1')).toBe(0)
  })
})

describe('the node lifecycle', () => {
  it('finds a silent node within 45 s, and leaves the others alone', async () => {
    await using cluster = await controlledCluster()
    for (const name of ['n1', 'n2']) await cluster.addNode(name)
    await cluster.pass(60)
    expect(findCondition(await cluster.node('n1'), 'Ready')?.status).toBe('True')
    cluster.silence('n1')
    const seconds = await cluster.until(async () => findCondition(await cluster.node('n1'), 'Ready')?.status === 'Unknown')
    expect(seconds).toBeGreaterThanOrEqual(34)
    expect(seconds).toBeLessThanOrEqual(46)
    await cluster.until(async () =>
      expect((await cluster.node('n1')).spec.taints?.map(({ effect }) => effect)).toEqual(['NoSchedule', 'NoExecute']),
    )
    expect(findCondition(await cluster.node('n2'), 'Ready')?.status).toBe('True')
    expect((await cluster.node('n2')).spec.taints).toBeUndefined()
    const { items } = await cluster.admin.of(Event).list({ namespace: 'default', fieldSelector: 'reason=NodeNotReady' })
    expect(items).toMatchObject([{ involvedObject: { kind: 'Node', name: 'n1' }, type: 'Warning' }])
    await cluster.restore('n1')
    await cluster.until(async () => expect((await cluster.node('n1')).spec.taints).toBeUndefined())
  })

  it('does not count the first 40 s of its own life', async () => {
    await using cluster = await controlledCluster({ only: [] })
    await cluster.addNode('n1')
    cluster.silence('n1')
    await cluster.pass(120)
    await cluster.startControllers()
    await cluster.pass(35)
    expect(findCondition(await cluster.node('n1'), 'Ready')?.status).toBe('True')
    await cluster.until(async () => findCondition(await cluster.node('n1'), 'Ready')?.status === 'Unknown', 25)
  })

  it('judges nobody by the time while its watch was down', async () => {
    await using cluster = await controlledCluster()
    await cluster.addNode('n1')
    await cluster.pass(30)
    cluster.silence('n1')
    await cluster.cut()
    await cluster.pass(300)
    await cluster.mend()
    await cluster.pass(25)
    expect(findCondition(await cluster.node('n1'), 'Ready')?.status).toBe('True')
    await cluster.until(async () => findCondition(await cluster.node('n1'), 'Ready')?.status === 'Unknown', 3_000)
  })
})
