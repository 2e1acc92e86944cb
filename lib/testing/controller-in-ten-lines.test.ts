import { expect, it } from 'vitest'
import { Task } from '../api/index.js'
import { WarmPool, warmPool } from './fixtures/warm-pool.js'
import { testCluster } from './index.js'

it('keeps as many Tasks as the pool asks for', async () => {
  await using cluster = await testCluster({ controllers: [warmPool] })
  await cluster.client.of(WarmPool).create({ metadata: { name: 'web' }, spec: { size: 3 } })
  await cluster.settle()
  await cluster.client.of(Task).delete({ name: 'web-1' })
  await cluster.settle()
  expect(
    cluster
      .snapshot()
      .list(Task)
      .map(({ metadata }) => metadata.name),
  ).toEqual(['web-0', 'web-1', 'web-2'])
  expect(cluster.snapshot().get(WarmPool, { name: 'web' })?.status?.slots).toBe(3)
})
