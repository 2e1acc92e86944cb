import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Task } from 'millrace/api'
import { testCluster } from 'millrace/testing'
import { MyPool, myPoolController } from './controller.js'

test('there are as many Tasks as a MyPool asks for', async (t) => {
  const cluster = await testCluster({ controllers: [myPoolController] })
  t.after(cluster.close)
  await cluster.client.of(MyPool).create({ metadata: { name: 'first' }, spec: { size: 2 } })
  await cluster.settle()
  const { items } = await cluster.client.of(Task).list()
  assert.deepEqual(items.map(({ metadata }) => metadata.name).sort(), ['first-0', 'first-1'])
})
