import { findCondition, Task } from 'millrace/api'
import { type TestCluster, testCluster } from 'millrace/testing'
import { expect, it } from 'vitest'
import { WarmPool, warmPool } from './warm-pool.js'

const pool = { namespace: 'default', name: 'pool' }

async function aPool(cluster: TestCluster, size: number) {
  await cluster.client.of(WarmPool).create({ metadata: pool, spec: { size, command: ['sleep', '1000'] } })
  await cluster.settle()
}

/** What a node's agent would do. */
async function becomeReady(cluster: TestCluster, name: string) {
  const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }
  await cluster.client.of(Task).mergePatch({ namespace: 'default', name }, { status }, { subresource: 'status' })
  await cluster.settle()
}

const tasksOf = async ({ client }: TestCluster) => (await client.of(Task).list()).items.map(({ metadata }) => metadata.name)

it('grows, shrinks, and fills what somebody took', async () => {
  await using cluster = await testCluster({ controllers: [warmPool] })
  await aPool(cluster, 3)
  expect(await tasksOf(cluster)).toEqual(['pool-0', 'pool-1', 'pool-2'])
  await cluster.client.of(Task).delete({ namespace: 'default', name: 'pool-1' })
  await cluster.settle()
  expect(await tasksOf(cluster)).toEqual(['pool-0', 'pool-1', 'pool-2'])
  await cluster.client.of(WarmPool).mergePatch(pool, { spec: { size: 1 } })
  await cluster.settle()
  expect(await tasksOf(cluster)).toEqual(['pool-0'])
})

it('says how many are ready', async () => {
  await using cluster = await testCluster({ controllers: [warmPool] })
  await aPool(cluster, 2)
  for (const [name, message] of [
    ['pool-0', '1 of 2 are ready'],
    ['pool-1', '2 of 2 are ready'],
  ] as const) {
    await becomeReady(cluster, name)
    expect(findCondition(await cluster.client.of(WarmPool).get(pool), 'Ready')).toMatchObject({ message })
  }
})

it('never has more Tasks than it says, and comes to the same end when it is killed on the way', async () => {
  await using cluster = await testCluster({ controllers: [warmPool] })
  cluster.always(({ list }) => expect(list(Task).length).toBeLessThanOrEqual(4))
  await cluster.client.of(WarmPool).create({ metadata: pool, spec: { size: 4, command: ['sleep', '1000'] } })
  for (let life = 0; life < 4; life++) {
    await cluster.letWork(1)
    cluster.restart()
  }
  await cluster.settle()
  expect(await tasksOf(cluster)).toEqual(['pool-0', 'pool-1', 'pool-2', 'pool-3'])
})
