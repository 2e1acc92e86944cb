import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Node } from '../../api/kinds/node.js'
import { Task } from '../../api/kinds/task.js'
import { eventually } from '../../testing/eventually.js'
import { type TestCluster, testCluster } from '../../testing/test-cluster.js'
import type { Client } from '../client.js'
import { createClient } from '../create-client.js'
import { type FlakyProxy, startFlakyProxy } from '../test/flaky-proxy.js'
import { createInformer, startInformers } from './informer.js'

const quick = { backoff: { initialMs: 5, maxMs: 20 } }

let cluster: TestCluster
let proxy: FlakyProxy
/** Reaches the server directly. */
let direct: Client
/** Reaches it through the proxy. */
let client: Client
let stop: AbortController

beforeAll(async () => {
  cluster = await testCluster()
  proxy = await startFlakyProxy(cluster.url)
  direct = createClient(cluster.admin)
})
afterAll(async () => {
  await direct.close()
  await proxy.close()
  await cluster.close()
})
beforeEach(() => {
  stop = new AbortController()
  client = createClient({ ...cluster.admin, server: proxy.url }, { watchdogMs: 300 })
})
afterEach(async () => {
  stop.abort()
  await client.close()
  for (const task of (await direct.of(Task).list()).items) await direct.of(Task).delete(task.metadata)
})

const aTask = (name: string) => ({ metadata: { namespace: 'default', name }, spec: { image: 'busybox' } })

describe('an informer on the API server', () => {
  it('ends with what the server has, each state told once, though the connection breaks all the time', async () => {
    const tasks = direct.of(Task)
    const told: string[] = []
    const informer = createInformer(client, Task)
    informer.subscribe({
      add: (task) => told.push(task.metadata.resourceVersion),
      update: (task) => told.push(task.metadata.resourceVersion),
      delete: (task) => told.push(task.metadata.resourceVersion),
    })
    void informer.start(stop.signal, quick)
    await informer.synced()

    const written: string[] = []
    for (let n = 0; n < 60; n++) {
      const task = await tasks.create(aTask(`t${n}`))
      written.push(task.metadata.resourceVersion)
      written.push((await tasks.mergePatch(task.metadata, { metadata: { labels: { n: `${n}` } } })).metadata.resourceVersion)
      if (n % 3 === 0) await tasks.delete(task.metadata)
      if (n % 4 === 0) proxy.cut()
      if (n % 20 === 10) {
        await proxy.stop()
        await proxy.restart()
      }
    }
    const list = await tasks.list()
    await informer.seen(written.at(-1) ?? '')
    await eventually(() => expect(informer.lister.size).toBe(list.items.length))
    const versions = (items: { metadata: { name: string; resourceVersion: string } }[]) =>
      items.map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`).sort()
    expect(versions(informer.lister.list())).toEqual(versions(list.items))
    expect(new Set(told).size).toBe(told.length)
    expect(told.filter((version) => written.includes(version))).toEqual(written)
  })

  it('follows several kinds on one stream', async () => {
    const nodes = createInformer(client, Node, { fieldSelector: 'metadata.name=n1' })
    const tasks = createInformer(client, Task, { fieldSelector: 'spec.nodeName=n1' })
    await direct.of(Node).create({ metadata: { name: 'n1' }, spec: {} })
    await direct.of(Node).create({ metadata: { name: 'n2' }, spec: {} })
    await direct.of(Task).create(aTask('bound'))
    await direct.bind(Task, [{ namespace: 'default', name: 'bound', nodeName: 'n1' }])
    const before = proxy.accepted
    void startInformers(client, [nodes, tasks], stop.signal, quick)
    await Promise.all([nodes.synced(), tasks.synced()])
    expect(proxy.accepted - before).toBe(1)
    expect(nodes.lister.list().map((node) => node.metadata.name)).toEqual(['n1'])
    expect(tasks.lister.list().map((task) => task.metadata.name)).toEqual(['bound'])

    await direct.of(Task).create(aTask('unbound'))
    const later = await direct.of(Task).create(aTask('later'))
    await direct.bind(Task, [{ namespace: 'default', name: 'later', nodeName: 'n1' }])
    const node = await direct.of(Node).mergePatch({ name: 'n1' }, { metadata: { labels: { a: 'b' } } })
    await nodes.seen(node.metadata.resourceVersion)
    expect(nodes.lister.get('n1')?.metadata.labels).toEqual({ a: 'b' })
    expect(tasks.lister.get('default/later')?.metadata.uid).toBe(later.metadata.uid)
    expect(tasks.lister.size).toBe(2)
    for (const task of tasks.lister.list()) {
      await direct.of(Task).mergePatch(task.metadata, { metadata: { finalizers: null } })
    }
  })

  it('notices silence by its watchdog, and goes on where it was', async () => {
    const failures: unknown[] = []
    const informer = createInformer(client, Task)
    void informer.start(stop.signal, { ...quick, onFailure: (failure) => failures.push(failure) })
    await informer.synced()
    proxy.stall()
    const task = await direct.of(Task).create(aTask('meanwhile'))
    await eventually(() => failures.length > 0)
    expect(String(failures[0])).toContain('silent for 300 ms')
    proxy.flow()
    await informer.seen(task.metadata.resourceVersion)
    expect(informer.lister.get('default/meanwhile')).toBeDefined()
  })

  it('takes the state anew when the server has compacted what it missed', async () => {
    const tasks = direct.of(Task)
    await tasks.create(aTask('kept'))
    await tasks.create(aTask('gone'))
    const heard: string[] = []
    const informer = createInformer(client, Task)
    informer.subscribe({
      add: (task) => heard.push(`+${task.metadata.name}`),
      update: (task) => heard.push(`~${task.metadata.name}`),
      delete: (task) => heard.push(`-${task.metadata.name}`),
    })
    const failures: { code?: number }[] = []
    void informer.start(stop.signal, { ...quick, onFailure: (failure) => failures.push((failure ?? {}) as { code?: number }) })
    await informer.synced()
    heard.length = 0
    await proxy.stop()
    await tasks.delete({ namespace: 'default', name: 'gone' })
    const last = await tasks.create(aTask('new'))
    await cluster.store.compact(Number(last.metadata.resourceVersion))
    await proxy.restart()
    await informer.seen(last.metadata.resourceVersion)
    expect(failures.some(({ code }) => code === 410)).toBe(true)
    expect(heard).toEqual(['-gone', '+new'])
  })
})
