import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Kind } from '../api/define-kind.js'
import { ConfigMap } from '../api/kinds/config-map.js'
import { Node } from '../api/kinds/node.js'
import { Task } from '../api/kinds/task.js'
import { managedFieldsOf } from '../api/managed-fields/managed-entry.js'
import type { ApplyConfiguration, Client } from '../client/client.js'
import { createClient } from '../client/create-client.js'
import { createInformer } from '../client/informer/informer.js'
import { type TestCluster, testCluster } from '../testing/test-cluster.js'
import { type ApplyContext, applyOwned } from './apply-owned.js'
import { type AnyInformer, InformerCache } from './cache.js'

let cluster: TestCluster
let client: Client
let stop: AbortController
let ended: Promise<unknown>[]
beforeEach(async () => {
  cluster = await testCluster()
  client = createClient(cluster.admin)
  stop = new AbortController()
  ended = []
})
afterEach(async () => {
  stop.abort()
  await Promise.all(ended)
  await client.close()
  await cluster.close()
})

async function follow(kind: typeof Task | typeof Node | typeof ConfigMap) {
  const informer = createInformer(client, kind as typeof Task)
  ended.push(informer.start(stop.signal))
  await informer.synced()
  return informer
}
const applied = async <K extends Kind>(...[ctx, kind, configuration, by]: Parameters<typeof applyOwned<K>>) =>
  (await applyOwned(ctx, kind, configuration, by)).object
const cacheOf = (informer: unknown) => new InformerCache([informer as AnyInformer])
const owner = () => client.of(ConfigMap).create({ metadata: { namespace: 'default', name: 'pool' }, data: {} })

describe('what a controller applies', () => {
  it('is owned, managed by the controller, and not sent again while nothing differs', async () => {
    const [pool, tasks] = [await owner(), await follow(Task)]
    const ctx: ApplyContext = { client, cache: cacheOf(tasks), manager: 'warm-pool', signal: stop.signal }
    // A list that is one value gets defaults from the server; the order of members does not count.
    const slot: ApplyConfiguration<typeof Task> = {
      metadata: { name: 'slot', labels: { pool: 'pool' } },
      spec: { command: ['true'], ports: [{ port: 80 }], env: [{ name: 'A', value: '1' }] },
    }
    const first = await applied(ctx, Task, slot, pool)
    expect(first.metadata.ownerReferences).toMatchObject([{ uid: pool.metadata.uid, controller: true }])
    expect(managedFieldsOf(first).map(({ manager, operation }) => `${manager} ${operation}`)).toEqual(['warm-pool Apply'])
    await tasks.seen(first.metadata.resourceVersion, stop.signal)
    expect(await applied(ctx, Task, slot, pool)).toBe(tasks.lister.get('default/slot'))
    expect(ctx.cache.ownedBy(Task, pool.metadata).map(({ metadata }) => metadata.name)).toEqual(['slot'])
    expect(ctx.cache.ownedBy(Task, { uid: 'another' })).toEqual([])
  })

  it.each<[string, ApplyConfiguration<typeof Node>]>([
    ['a value differs', { metadata: { name: 'n', finalizers: ['a.io/x'] }, spec: { unschedulable: false } }],
    ['a field is dropped', { metadata: { name: 'n', finalizers: ['a.io/x'] }, spec: {} }],
    ['an item comes', { metadata: { name: 'n', finalizers: ['a.io/x', 'b.io/x'] }, spec: { unschedulable: true } }],
    ['an item goes', { metadata: { name: 'n' }, spec: { unschedulable: true } }],
  ])('is sent when %s', async (_what, next) => {
    const nodes = await follow(Node)
    const ctx: ApplyContext = { client, cache: cacheOf(nodes), manager: 'm', signal: stop.signal }
    const before = await applied(ctx, Node, { metadata: { name: 'n', finalizers: ['a.io/x'] }, spec: { unschedulable: true } }, undefined)
    await nodes.seen(before.metadata.resourceVersion, stop.signal)
    const after = await applied(ctx, Node, next, undefined)
    expect(after.metadata.resourceVersion).not.toBe(before.metadata.resourceVersion)
    expect(after.spec).toEqual(next.spec)
  })

  it('is taken back by force when somebody else has changed it', async () => {
    const nodes = await follow(Node)
    const ctx: ApplyContext = { client, cache: cacheOf(nodes), manager: 'm', signal: stop.signal }
    const wanted: ApplyConfiguration<typeof Node> = { metadata: { name: 'n' }, spec: { unschedulable: true } }
    await applied(ctx, Node, wanted, undefined)
    const changed = await client.of(Node).mergePatch({ name: 'n' }, { spec: { unschedulable: false } })
    await nodes.seen(changed.metadata.resourceVersion, stop.signal)
    expect((await applied(ctx, Node, wanted, undefined)).spec.unschedulable).toBe(true)
  })
})

describe('the client', () => {
  it('applies, is told of conflicts, and applies a status', async () => {
    const nodes = client.of(Node)
    await nodes.apply({ metadata: { name: 'n' }, spec: { unschedulable: true } }, { fieldManager: 'one' })
    const other: ApplyConfiguration<typeof Node> = { metadata: { name: 'n' }, spec: { unschedulable: false } }
    await expect(nodes.apply(other, { fieldManager: 'two' })).rejects.toMatchObject({
      reason: 'Conflict',
      details: { causes: [{ reason: 'FieldManagerConflict', field: '.spec.unschedulable' }] },
    })
    expect((await nodes.apply(other, { fieldManager: 'two', force: true })).spec.unschedulable).toBe(false)
    const status = { metadata: { name: 'n' }, status: { addresses: [{ type: 'Hostname', address: 'n' }] } }
    expect((await nodes.apply(status, { fieldManager: 'two', subresource: 'status' })).status?.addresses).toHaveLength(1)
  })
})
