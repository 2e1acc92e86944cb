import { get } from 'node:http'
import { expect, it } from 'vitest'
import { eventually } from '../../../lib/testing/eventually.js'
import { testCluster } from '../../../lib/testing/test-cluster.js'
import { aTask, send, tasks } from '../fixtures/requests.js'

it('a watch whose client left before it began is forgotten', async () => {
  await using cluster = await testCluster()
  const watches = async () => Number(/^millrace_watches (\d+)$/m.exec((await send(cluster, 'GET', '/metrics')).text)?.[1])
  const inFlight = async () => Number(/^millrace_reads_in_flight (\d+)$/m.exec((await send(cluster, 'GET', '/metrics')).text)?.[1])
  const client = get(`${cluster.url}${tasks}?watch=1&resourceVersion=${cluster.store.revision + 1}`)
  client.on('error', () => {})
  await eventually(async () => expect(await inFlight()).toBe(1))
  const left = new Promise((resolve) => client.once('close', resolve))
  client.destroy()
  await left
  await send(cluster, 'GET', '/version')
  await send(cluster, 'POST', tasks, { body: aTask('a') })
  await eventually(async () => expect(await inFlight()).toBe(0))
  expect(await watches()).toBe(0)
})
