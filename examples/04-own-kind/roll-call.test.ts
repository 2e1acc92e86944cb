import { Event, findCondition, Task } from 'millrace/api'
import { eventually, type TestCluster, testCluster } from 'millrace/testing'
import { expect, it } from 'vitest'
import { RollCall, rollCall } from './roll-call.js'

const call = { namespace: 'default', name: 'red' }

async function aTask({ client }: TestCluster, name: string, ready: boolean) {
  const at = { namespace: 'default', name }
  await client.of(Task).create({ metadata: { ...at, labels: { crew: 'red' } }, spec: { command: ['true'] } })
  const status = { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] }
  await client.of(Task).mergePatch(at, { status }, { subresource: 'status' })
}

it('counts those who are there, names those who are not, and looks again when one comes', async () => {
  await using cluster = await testCluster({ controllers: [rollCall] })
  const calls = cluster.client.of(RollCall)
  await calls.create({ metadata: call, spec: { selector: 'crew=red', quorum: 2 } })
  await aTask(cluster, 'ann', true)
  await aTask(cluster, 'bo', false)
  await cluster.settle()
  const before = await calls.get(call)
  expect(before.status).toMatchObject({ called: 2, present: 1, missing: ['bo'] })
  expect(findCondition(before, 'Quorate')).toMatchObject({ status: 'False', reason: 'TooFew', message: '1 of 2' })

  await aTask(cluster, 'cy', true)
  await cluster.settle()
  const after = await calls.get(call)
  expect(findCondition(after, 'Quorate')).toMatchObject({ status: 'True', reason: 'Enough' })
  expect(findCondition(after, 'Complete')).toMatchObject({ status: 'False', message: 'bo' })
})

it('leaves a selector alone that no retry would mend, and says so', async () => {
  await using cluster = await testCluster({ controllers: [rollCall] })
  await cluster.client.of(RollCall).create({ metadata: call, spec: { selector: 'crew in (' } })
  await cluster.settle()
  expect(findCondition(await cluster.client.of(RollCall).get(call), 'Quorate')).toMatchObject({ status: 'Unknown', reason: 'BadSelector' })
  await eventually(async () =>
    expect((await cluster.client.of(Event).list()).items).toMatchObject([{ type: 'Warning', reason: 'BadSelector' }]),
  )
})
