import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isAlreadyExists, isConflict, isForbidden, isInvalid, isNotFound } from '../api/api-error.js'
import { ConfigMap } from '../api/kinds/config-map.js'
import { Node } from '../api/kinds/node.js'
import { Task } from '../api/kinds/task.js'
import { type TestCluster, testCluster } from '../testing/test-cluster.js'
import type { Client } from './client.js'
import { createClient } from './create-client.js'

let cluster: TestCluster
let client: Client

beforeAll(async () => {
  cluster = await testCluster({ tls: true })
  client = createClient(cluster.admin, { userAgent: 'test/1' })
})
afterAll(async () => {
  await client.close()
  await cluster.close()
})

const hello = { namespace: 'default', name: 'hello' }

describe('the client and the API server, over TLS with client certificates', () => {
  it('creates, gets, lists, patches, updates and deletes', async () => {
    const tasks = client.of(Task)
    const created = await tasks.create({ metadata: { ...hello, labels: { a: 'b' } }, spec: { image: 'busybox' } })
    expect(created.spec.restartPolicy).toBe('Never')
    await expect(tasks.create({ metadata: hello, spec: { image: 'busybox' } })).rejects.toSatisfy(isAlreadyExists)

    const list = await tasks.list({ namespace: 'default', labelSelector: 'a=b' })
    expect(list.items.map((task) => [task.kind, task.metadata.name])).toEqual([['Task', 'hello']])
    expect((await tasks.list({ labelSelector: 'a=c' })).items).toEqual([])

    const patched = await tasks.mergePatch(hello, { metadata: { labels: { a: null, c: 'd' } } })
    expect(patched.metadata.labels).toEqual({ c: 'd' })
    const withStatus = await tasks.mergePatch(hello, { status: { phase: 'Running' } }, { subresource: 'status' })
    expect(withStatus.status?.phase).toBe('Running')
    await expect(tasks.update(created)).rejects.toSatisfy(isConflict)
    const fresh = await tasks.get(hello)
    const updated = await tasks.update({ ...fresh, metadata: { ...fresh.metadata, annotations: { n: '1' } } })
    expect(updated.metadata.annotations).toEqual({ n: '1' })

    await tasks.delete(hello)
    await expect(tasks.get(hello)).rejects.toSatisfy(isNotFound)
    await expect(tasks.delete(hello)).rejects.toSatisfy(isNotFound)
  })

  it('pages through a list', async () => {
    const maps = client.of(ConfigMap)
    for (let n = 0; n < 5; n++) await maps.create({ metadata: { namespace: 'default', name: `page-${n}` }, data: {} })
    const first = await maps.list({ namespace: 'default', limit: 3 })
    expect(first.items).toHaveLength(3)
    const second = await maps.list({ namespace: 'default', limit: 3, continue: first.metadata.continue ?? '' })
    expect([...first.items, ...second.items].map(({ metadata }) => metadata.name)).toEqual([0, 1, 2, 3, 4].map((n) => `page-${n}`))
  })

  it('binds many workloads in one request and tells each one apart', async () => {
    const tasks = client.of(Task)
    await client.of(Node).create({ metadata: { name: 'n1' }, spec: {} })
    for (const name of ['b1', 'b2']) await tasks.create({ metadata: { namespace: 'default', name }, spec: { image: 'busybox' } })
    const binding = (name: string) => ({ namespace: 'default', name, nodeName: 'n1' })
    const outcomes = await client.bind(Task, [binding('b1'), binding('b2'), binding('absent')])
    expect(outcomes.map(({ name, error }) => [name, error?.reason])).toEqual([
      ['b1', undefined],
      ['b2', undefined],
      ['absent', 'NotFound'],
    ])
    expect((await tasks.get({ namespace: 'default', name: 'b1' })).spec.nodeName).toBe('n1')
  })

  it('explains a refusal with its causes', async () => {
    const refused = client
      .of(Task)
      .create({ metadata: { namespace: 'default', name: 'bad' }, spec: { image: 'busybox', backoffLimit: -1 } })
    await expect(refused).rejects.toSatisfy(isInvalid)
    await expect(refused).rejects.toMatchObject({ details: { causes: [{ field: 'spec.backoffLimit' }] } })
  })

  it('is who its certificate says', async () => {
    const nobody = createClient(await cluster.configOf('nobody'))
    await expect(nobody.of(Task).list()).rejects.toSatisfy(isForbidden)
    await nobody.close()
  })
})
