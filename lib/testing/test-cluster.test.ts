import { expect, it } from 'vitest'
import { defineKind } from '../api/define-kind.js'
import { Task } from '../api/kinds/task.js'
import { t } from '../api/schema/t.js'
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

const Pool = defineKind({
  group: 'example.com',
  version: 'v1',
  kind: 'Pool',
  plural: 'pools',
  scope: 'Namespaced',
  description: 'Idle slots.',
  spec: t.object({ size: t.integer().default(3).describe('How many slots.') }),
})

it('brings in kinds of users, and leaves those alone that the server has', async () => {
  await using cluster = await testCluster({ kinds: [Pool, Task, Pool] })
  const pool = await cluster.client.of(Pool).create({ metadata: { name: 'a' }, spec: {} })
  expect(pool.spec.size).toBe(3)
  await expect(cluster.client.of(Pool).create({ metadata: { name: 'b' }, spec: { size: 'x' } } as never)).rejects.toThrow('spec.size')
})

it('looks at every revision, and tells at the end what was wrong first', async () => {
  const cluster = await testCluster({ kinds: [Pool] })
  const pools = cluster.client.of(Pool)
  await pools.create({ metadata: { name: 'before' }, spec: {} })
  const seen: [string, number[]][] = []
  cluster.always(({ change, list, get }) => {
    const sizes = list(Pool).map(({ spec }) => spec.size)
    seen.push([change, sizes])
    if (get(Pool, { name: 'a' })?.spec.size === 5) throw new Error('five is too many')
  })
  const [first] = await Promise.all(['a', 'b'].map((name) => pools.create({ metadata: { name }, spec: {} })))
  const { metadata } = await pools.mergePatch({ name: 'a' }, { spec: { size: 5 } })
  await pools.delete({ name: 'a' })
  expect(first?.metadata.name).toBe('a')
  expect(seen.slice(0, 3).map(([, sizes]) => sizes.length)).toEqual([2, 3, 3])
  expect(seen[2]).toEqual(['MODIFIED pools default/a', [5, 3, 3]])
  await expect(cluster.close()).rejects.toThrow(`at revision ${metadata.resourceVersion} (MODIFIED pools default/a): five is too many`)
})
