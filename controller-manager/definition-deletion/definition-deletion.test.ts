import { describe, expect, it } from 'vitest'
import { isNotFound } from '../../lib/api/api-error.js'
import { ConfigMap } from '../../lib/api/kinds/config-map.js'
import { CustomResourceDefinition } from '../../lib/api/kinds/custom-resource-definition.js'
import { Namespace } from '../../lib/api/kinds/namespace.js'
import { type ControlledCluster, controlledCluster } from '../fixtures/controlled-cluster.js'
import { Widget, widgetDefinition } from '../fixtures/widgets.js'

const name = { name: 'widgets.example.com' }

async function addWidgets({ admin }: ControlledCluster, count: number, metadata: object = {}): Promise<void> {
  for (let start = 0; start < count; start += 100)
    await Promise.all(
      Array.from({ length: Math.min(100, count - start) }, (_, index) =>
        admin.of(Widget).create({ metadata: { name: `w-${start + index}`, namespace: 'default', ...metadata } } as never),
      ),
    )
}

const isGone = ({ admin }: ControlledCluster) =>
  admin
    .of(CustomResourceDefinition)
    .get(name)
    .then(
      () => false,
      (error: unknown) => isNotFound(error),
    )

describe('a definition that is deleted', () => {
  it('takes its 1,000 objects with it, in every namespace', async () => {
    await using cluster = await controlledCluster({ only: ['definition-deletion'] })
    const { admin } = cluster
    await admin.of(CustomResourceDefinition).create(widgetDefinition)
    await admin.of(Namespace).create({ metadata: { name: 'team' }, spec: {} })
    await addWidgets(cluster, 1_000)
    await addWidgets(cluster, 3, { namespace: 'team' })
    await admin.of(CustomResourceDefinition).delete(name)
    await cluster.until(() => isGone(cluster))
    expect(cluster.cluster.store.count('example.com', 'widgets')).toBe(0)
  }, 60_000)

  it('waits for objects that finalizers hold, and says how many', async () => {
    await using cluster = await controlledCluster({ only: ['definition-deletion'] })
    const { admin } = cluster
    await admin.of(CustomResourceDefinition).create(widgetDefinition)
    await addWidgets(cluster, 2, { finalizers: ['test/hold'] })
    await admin.of(CustomResourceDefinition).delete(name)
    await cluster.until(async () => {
      const { status } = await admin.of(CustomResourceDefinition).get(name)
      const terminating = status?.conditions?.find(({ type }) => type === 'Terminating')
      return terminating?.message === 'objects of the kind that are left: 2'
    })
    for (const index of [0, 1])
      await admin.of(Widget).mergePatch({ name: `w-${index}`, namespace: 'default' }, { metadata: { finalizers: null } })
    await cluster.until(() => isGone(cluster))
  }, 60_000)

  it('goes though none of its versions is served', async () => {
    await using cluster = await controlledCluster({ only: ['definition-deletion'] })
    const { admin } = cluster
    await admin.of(CustomResourceDefinition).create(widgetDefinition)
    await addWidgets(cluster, 2)
    const [version] = widgetDefinition.spec.versions
    await admin.of(CustomResourceDefinition).mergePatch(name, { spec: { versions: [{ ...version, served: false }] } })
    await admin.of(CustomResourceDefinition).delete(name)
    await cluster.until(() => isGone(cluster))
    expect(cluster.cluster.store.count('example.com', 'widgets')).toBe(0)
  }, 60_000)
})

describe('objects of kinds that users define', () => {
  it('go with their owners, and with their namespace', async () => {
    await using cluster = await controlledCluster({ only: ['garbage-collector', 'namespace-deletion'] })
    const { admin } = cluster
    await admin.of(CustomResourceDefinition).create(widgetDefinition)
    const owner = await admin.of(ConfigMap).create({ metadata: { name: 'owner' } })
    await admin.of(Namespace).create({ metadata: { name: 'team' }, spec: {} })
    await addWidgets(cluster, 1, { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid }] })
    const [widget] = (await admin.of(Widget).list({ namespace: 'default' })).items
    // The version need not be the one that is served.
    const ownerReferences = [{ apiVersion: 'example.com/v1beta1', kind: 'Widget', name: 'w-0', uid: widget?.metadata.uid ?? '' }]
    await admin.of(ConfigMap).create({ metadata: { name: 'owned', ownerReferences } })
    await addWidgets(cluster, 1, { namespace: 'team' })
    await admin.of(Namespace).delete({ name: 'team' })
    await admin.of(ConfigMap).delete({ name: 'owner', namespace: 'default' })
    await cluster.until(() => cluster.cluster.store.count('example.com', 'widgets') === 0)
    await cluster.until(async () => (await admin.of(ConfigMap).list({ namespace: 'default' })).items.length === 0)
  }, 60_000)

  it('are collected though there are more kinds than a hundred', async () => {
    await using cluster = await controlledCluster({ only: ['garbage-collector'] })
    const { admin } = cluster
    await Promise.all(
      Array.from({ length: 120 }, (_, index) => {
        const { spec } = widgetDefinition
        const group = `g${index}.example.com`
        return admin.of(CustomResourceDefinition).create({ metadata: { name: `widgets.${group}` }, spec: { ...spec, group } })
      }),
    )
    await admin.of(CustomResourceDefinition).create(widgetDefinition)
    const owner = await admin.of(ConfigMap).create({ metadata: { name: 'owner' } })
    await addWidgets(cluster, 1, { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid }] })
    await admin.of(ConfigMap).delete({ name: 'owner', namespace: 'default' })
    await cluster.until(() => cluster.cluster.store.count('example.com', 'widgets') === 0)
  }, 60_000)
})
