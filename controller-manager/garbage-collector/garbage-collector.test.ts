import { describe, expect, it } from 'vitest'
import { ConfigMap } from '../../lib/api/kinds/config-map.js'
import { Event } from '../../lib/api/kinds/event.js'
import { Namespace } from '../../lib/api/kinds/namespace.js'
import { Node } from '../../lib/api/kinds/node.js'
import type { DeleteOptions } from '../../lib/client/client.js'
import { controlledCluster } from '../fixtures/controlled-cluster.js'

type Owner = { metadata: { name: string; uid: string } }

/** A cluster with the collector, and ConfigMaps that own each other. */
async function collected() {
  const controlled = await controlledCluster({ only: ['garbage-collector'] })
  const maps = controlled.admin.of(ConfigMap)
  const reference = ({ metadata: { name, uid } }: Owner, blockOwnerDeletion = true) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name,
    uid,
    blockOwnerDeletion,
  })
  return {
    ...controlled,
    maps,
    reference,
    add: (name: string, owners: Owner[] = [], finalizers: string[] = []) =>
      maps.create({
        metadata: {
          name,
          ...(owners.length ? { ownerReferences: owners.map((owner) => reference(owner)) } : {}),
          ...(finalizers.length ? { finalizers } : {}),
        },
      }),
    remove: (name: string, propagationPolicy: DeleteOptions['propagationPolicy']) =>
      maps.delete({ namespace: 'default', name }, propagationPolicy ? { propagationPolicy } : {}),
    names: async () => (await maps.list({ namespace: 'default' })).items.map(({ metadata }) => metadata.name).sort(),
    get: (name: string) => maps.get({ namespace: 'default', name }),
    [Symbol.asyncDispose]: () => controlled[Symbol.asyncDispose](),
  }
}

describe('the garbage collector', () => {
  it('deletes what a deleted object owned, down to the last, and nothing else', async () => {
    await using cluster = await collected()
    const top = await cluster.add('top')
    const middle = await cluster.add('middle', [top])
    await cluster.add('leaf', [middle])
    await cluster.add('other')
    await cluster.pass(2)
    expect(await cluster.names()).toEqual(['leaf', 'middle', 'other', 'top'])
    await cluster.remove('top', 'Background')
    await cluster.until(async () => expect(await cluster.names()).toEqual(['other']))
  })

  it('deletes dependents first when asked to', async () => {
    await using cluster = await collected()
    const top = await cluster.add('top')
    const middle = await cluster.add('middle', [top])
    await cluster.add('leaf', [middle], ['test/hold'])
    await cluster.pass(1)
    await cluster.remove('top', 'Foreground')
    await cluster.until(async () => expect((await cluster.get('leaf')).metadata.deletionTimestamp).toBeDefined())
    await cluster.pass(5)
    expect(await cluster.names()).toEqual(['leaf', 'middle', 'top'])
    await cluster.maps.mergePatch({ namespace: 'default', name: 'leaf' }, { metadata: { finalizers: null } })
    await cluster.until(async () => expect(await cluster.names()).toEqual([]))
  })

  it('leaves dependents behind when asked to', async () => {
    await using cluster = await collected()
    const top = await cluster.add('top')
    await cluster.add('a', [top])
    await cluster.pass(1)
    await cluster.remove('top', 'Orphan')
    await cluster.until(async () => expect(await cluster.names()).toEqual(['a']))
    expect((await cluster.get('a')).metadata.ownerReferences ?? []).toEqual([])
  })

  it('keeps an object that has another owner, and takes the dead one out', async () => {
    await using cluster = await collected()
    const [dies, lives] = [await cluster.add('dies'), await cluster.add('lives')]
    await cluster.add('a', [dies, lives])
    await cluster.pass(1)
    await cluster.remove('dies', 'Foreground')
    await cluster.until(async () => expect(await cluster.names()).toEqual(['a', 'lives']))
    expect((await cluster.get('a')).metadata.ownerReferences?.map(({ name }) => name)).toEqual(['lives'])
  })

  it.each(['Background', 'Foreground'] as const)('ends a circle of owners (%s)', async (policy) => {
    await using cluster = await collected()
    const a = await cluster.add('a')
    const b = await cluster.add('b', [a])
    await cluster.maps.mergePatch({ namespace: 'default', name: 'a' }, { metadata: { ownerReferences: [cluster.reference(b)] } })
    await cluster.pass(3)
    expect(await cluster.names()).toEqual(['a', 'b'])
    await cluster.remove('a', policy)
    await cluster.until(async () => expect(await cluster.names()).toEqual([]), 60)
  })

  it('takes an owner of the same name and another uid for absent', async () => {
    await using cluster = await collected()
    await cluster.add('top')
    await cluster.add('a', [{ metadata: { name: 'top', uid: 'an-earlier-top' } }])
    await cluster.until(async () => expect(await cluster.names()).toEqual(['top']))
  })

  it('takes an owner in another namespace for absent, and says so', async () => {
    await using cluster = await collected()
    await cluster.admin.of(Namespace).create({ metadata: { name: 'other' }, spec: {} })
    const far = await cluster.maps.create({ metadata: { name: 'far', namespace: 'other' } })
    await cluster.pass(1)
    await cluster.add('a', [far])
    await cluster.until(async () => expect(await cluster.names()).toEqual([]))
    await cluster.until(async () => {
      const { items } = await cluster.admin.of(Event).list({ namespace: 'default' })
      expect(items).toMatchObject([{ reason: 'OwnerRefInvalidNamespace', involvedObject: { name: 'a' } }])
    })
  })

  it('lets objects of the cluster own objects in namespaces, and not the other way round', async () => {
    await using cluster = await collected()
    const node = await cluster.admin.of(Node).create({ metadata: { name: 'n1' }, spec: {} })
    await cluster.maps.create({
      metadata: { name: 'a', ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'n1', uid: node.metadata.uid }] },
    })
    await cluster.admin
      .of(Node)
      .create({ metadata: { name: 'n2', ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'none', uid: 'none' }] }, spec: {} })
    await cluster.pass(3)
    expect(await cluster.names()).toEqual(['a'])
    await cluster.admin.of(Node).delete({ name: 'n1' })
    await cluster.until(async () => expect(await cluster.names()).toEqual([]))
    expect((await cluster.admin.of(Node).list()).items.map(({ metadata }) => metadata.name)).toEqual(['n2'])
  })

  it('leaves objects alone whose owners are of a kind that nobody serves', async () => {
    await using cluster = await collected()
    await cluster.maps.create({
      metadata: { name: 'a', ownerReferences: [{ apiVersion: 'example.com/v1', kind: 'Thing', name: 'x', uid: 'x' }] },
    })
    await cluster.pass(10)
    expect(await cluster.names()).toEqual(['a'])
  })

  it('collects what became garbage while it was not there', async () => {
    await using cluster = await collected()
    const top = await cluster.add('top')
    await cluster.add('a', [top])
    await cluster.pass(1)
    cluster.cut()
    await cluster.remove('top', 'Background')
    cluster.mend()
    await cluster.until(async () => expect(await cluster.names()).toEqual([]), 2_000)
  })
})
