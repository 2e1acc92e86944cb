import { describe, expect, it } from 'vitest'
import { isNotFound } from '../../lib/api/api-error.js'
import { findCondition } from '../../lib/api/condition.js'
import { disruptionOf } from '../../lib/api/disruption.js'
import { Node } from '../../lib/api/kinds/node.js'
import { Task } from '../../lib/api/kinds/task.js'
import { type ControlledCluster, controlledCluster } from '../fixtures/controlled-cluster.js'

const outOfService = { spec: { taints: [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }] } }
const running = { phase: 'Running' as const, conditions: [{ type: 'Running', status: 'True' as const, reason: 'Started' }] }

async function withTwoTasks(): Promise<ControlledCluster> {
  const cluster = await controlledCluster()
  await cluster.addNode('n1')
  for (const onNodeLost of ['Keep', 'Reschedule'] as const) {
    const name = onNodeLost.toLowerCase()
    await cluster.addTask(name, { nodeName: 'n1', onNodeLost })
    await cluster.setStatus(name, running)
  }
  return cluster
}

describe('tasks of a silent node', () => {
  it('are Unknown, stay bound, and none is repeated while it may still run', async () => {
    await using cluster = await withTwoTasks()
    cluster.silence('n1')
    for (const name of ['keep', 'reschedule']) await cluster.until(async () => (await cluster.task(name)).status?.phase === 'Unknown')
    expect(findCondition(await cluster.task('keep'), 'Running')).toMatchObject({
      status: 'Unknown',
      reason: 'NodeUnreachable',
      message: 'node n1 does not report',
    })
    await cluster.until(async () => expect(disruptionOf(await cluster.task('reschedule'))).toMatchObject({ reason: 'Evicted' }))
    await cluster.pass(600)
    const [keep, reschedule] = [await cluster.task('keep'), await cluster.task('reschedule')]
    expect([keep.spec.nodeName, reschedule.spec.nodeName]).toEqual(['n1', 'n1'])
    expect(disruptionOf(keep)).toBeUndefined()
    expect(reschedule.status?.attempt ?? 0).toBe(0)
  })

  it('are repeated once the agent has reported the end that was asked for', async () => {
    await using cluster = await withTwoTasks()
    cluster.silence('n1')
    await cluster.until(async () => expect(disruptionOf(await cluster.task('reschedule'))).toBeDefined())
    await cluster.setStatus('reschedule', {
      phase: 'Failed',
      conditions: [{ type: 'Complete', status: 'True', reason: 'Evicted', message: '' }],
    })
    await cluster.until(async () => expect((await cluster.task('reschedule')).spec.nodeName).toBeUndefined())
    const task = await cluster.task('reschedule')
    expect(task.status).toMatchObject({ attempt: 1, phase: 'Pending' })
    expect(disruptionOf(task)).toBeUndefined()
    expect(task.metadata.finalizers ?? []).toEqual([])
  })
})

describe('tasks of a lost node', () => {
  it.each([
    ['whose object was deleted', async ({ admin }: ControlledCluster) => void (await admin.of(Node).delete({ name: 'n1' }))],
    [
      'that somebody vouches for',
      async ({ admin }: ControlledCluster) => void (await admin.of(Node).mergePatch({ name: 'n1' }, outOfService)),
    ],
  ])('%s end as NodeLost or begin their next attempt, by onNodeLost', async (_name, lose) => {
    await using cluster = await withTwoTasks()
    cluster.silence('n1')
    await lose(cluster)
    await cluster.until(async () => expect((await cluster.task('reschedule')).spec.nodeName).toBeUndefined())
    expect((await cluster.task('reschedule')).status).toMatchObject({ attempt: 1, phase: 'Pending' })
    await cluster.until(async () => (await cluster.task('keep')).status?.phase === 'Failed')
    expect(findCondition(await cluster.task('keep'), 'Complete')).toMatchObject({
      reason: 'NodeLost',
      message: 'node n1 was lost, and onNodeLost is Keep',
    })
    await cluster.until(async () => expect((await cluster.task('keep')).metadata.finalizers ?? []).toEqual([]))
    await cluster.pass(30)
    expect((await cluster.task('reschedule')).status?.attempt).toBe(1)
  })

  it('that are being deleted go, though no agent cleans up after them', async () => {
    await using cluster = await withTwoTasks()
    await cluster.admin.of(Task).delete({ namespace: 'default', name: 'keep' })
    await cluster.pass(5)
    expect((await cluster.task('keep')).metadata.deletionTimestamp).toBeDefined()
    await cluster.admin.of(Node).mergePatch({ name: 'n1' }, outOfService)
    await cluster.until(() => cluster.task('keep').then(() => false, isNotFound))
  })

  it('wait when the Node object is only registered anew', async () => {
    await using cluster = await withTwoTasks()
    await cluster.admin.of(Node).delete({ name: 'n1' })
    await cluster.pass(25)
    await cluster.admin.of(Node).create({ metadata: { name: 'n1' }, spec: {} })
    await cluster.restore('n1')
    await cluster.pass(120)
    expect((await cluster.task('reschedule')).spec.nodeName).toBe('n1')
    expect((await cluster.task('keep')).status?.phase).toBe('Running')
  })
})
