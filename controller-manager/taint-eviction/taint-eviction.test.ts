import { describe, expect, it } from 'vitest'
import { findCondition } from '../../lib/api/condition.js'
import { disruptionOf } from '../../lib/api/disruption.js'
import { Node } from '../../lib/api/kinds/node.js'
import { controlledCluster } from '../fixtures/controlled-cluster.js'
import { isOutage } from './outage.js'

describe('an outage', () => {
  it.each([
    [1, 1, false],
    [2, 2, false],
    [1, 3, false],
    [2, 3, true],
    [3, 3, true],
    [54, 100, false],
    [55, 100, true],
    [0, 100, false],
  ])('%i silent of %i nodes: %s', (silent, nodes, expected) => {
    expect(isOutage(silent, nodes)).toBe(expected)
  })

  it('evicts nobody, however long it lasts, and the waiting begins anew after it', async () => {
    await using cluster = await controlledCluster()
    for (const name of ['n1', 'n2', 'n3']) await cluster.addNode(name)
    await cluster.addTask('a', { nodeName: 'n1', onNodeLost: 'Reschedule' })
    await cluster.pass(5)
    cluster.silence('n1', 'n2', 'n3')
    await cluster.until(async () => findCondition(await cluster.node('n1'), 'Ready')?.status === 'Unknown')
    await cluster.pass(700)
    expect(disruptionOf(await cluster.task('a'))).toBeUndefined()
    for (const name of ['n2', 'n3']) await cluster.restore(name)
    await cluster.pass(250)
    expect(disruptionOf(await cluster.task('a'))).toBeUndefined()
    await cluster.until(async () => disruptionOf(await cluster.task('a'))?.reason === 'Evicted', 120)
  })
})

describe('a taint with NoExecute', () => {
  it('ends what does not tolerate it, and leaves what does', async () => {
    await using cluster = await controlledCluster()
    await cluster.addNode('n1')
    await cluster.addTask('leaves', { nodeName: 'n1' })
    await cluster.addTask('waits', { nodeName: 'n1', tolerations: [{ key: 'maintenance', operator: 'Exists', tolerationSeconds: 60 }] })
    await cluster.addTask('stays', { nodeName: 'n1', tolerations: [{ operator: 'Exists' }] })
    await cluster.pass(3)
    await cluster.admin.of(Node).mergePatch({ name: 'n1' }, { spec: { taints: [{ key: 'maintenance', effect: 'NoExecute' }] } })
    await cluster.until(async () =>
      expect(disruptionOf(await cluster.task('leaves'))).toEqual({
        reason: 'Evicted',
        message: 'its node has the taint maintenance:NoExecute, which it does not tolerate',
      }),
    )
    await cluster.pass(45)
    expect(disruptionOf(await cluster.task('waits'))).toBeUndefined()
    await cluster.until(async () => expect(disruptionOf(await cluster.task('waits'))).toBeDefined(), 30)
    await cluster.pass(60)
    expect(disruptionOf(await cluster.task('stays'))).toBeUndefined()
  })
})
