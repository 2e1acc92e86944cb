import { expect, it } from 'vitest'
import { Task } from '../api/kinds/task.js'
import { createClient } from '../client/create-client.js'
import { eventually } from './eventually.js'
import { testCluster } from './test-cluster.js'

const hello = { metadata: { name: 'hello' }, spec: { command: ['true'] } }

it('two side by side have nothing in common', async () => {
  await using one = await testCluster()
  await using other = await testCluster()
  await one.client.of(Task).create(hello)
  expect((await one.client.of(Task).list()).items.map(({ metadata }) => metadata.name)).toEqual(['hello'])
  expect((await other.client.of(Task).list()).items).toEqual([])
})

it('keeps to the time that the test gives it', async () => {
  await using cluster = await testCluster()
  expect((await cluster.client.of(Task).create(hello)).metadata.creationTimestamp).toBe('2026-01-01T00:00:00Z')
  await cluster.clock.advance(3_600_000)
  const later = await cluster.client.of(Task).create({ ...hello, metadata: { name: 'later' } })
  expect(later.metadata.creationTimestamp).toBe('2026-01-01T01:00:00Z')
})

it.each([false, true])('knows its users, and forgets those that are revoked (TLS: %s)', async (tls) => {
  await using cluster = await testCluster({ tls })
  const nobody = createClient(await cluster.configOf('jane'))
  await expect(nobody.of(Task).list()).rejects.toMatchObject({ reason: 'Forbidden' })
  cluster.revoke('jane')
  await expect(nobody.of(Task).list()).rejects.toMatchObject({ reason: 'Unauthorized' })
  await nobody.close()
})

it('leaves nothing open when it is closed', async () => {
  const open = () => process.getActiveResourcesInfo().filter((resource) => resource.startsWith('TCP')).length
  const before = open()
  const cluster = await testCluster()
  await cluster.client.of(Task).list()
  expect(open()).toBeGreaterThan(before)
  await cluster.close()
  await eventually(() => open() <= before)
})
