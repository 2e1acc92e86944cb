/**
 * What Kubernetes' own client for Node does with Millrace, unmodified: objects of
 * any kind, the typed APIs, custom objects, watches, informers.
 */
import {
  ApiException,
  CoordinationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  type ListPromise,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  V1MicroTime,
  VersionApi,
  Watch,
} from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtinKinds } from '../../lib/api/kinds/index.js'
import { eventually } from '../../lib/testing/eventually.js'
import type { TestCluster } from '../../lib/testing/test-cluster.js'
import { type ConformanceCluster, startApiServerAlone } from './conformance-cluster.js'
import { type Manifest, oneOfEach } from './one-of-each.js'

let cluster: ConformanceCluster & { readonly server: TestCluster }
const config = new KubeConfig()
beforeAll(async () => {
  cluster = await startApiServerAlone()
  config.loadFromString(JSON.stringify(cluster.kubeconfig))
})
afterAll(() => cluster.end())

const patience = { timeoutMs: 30_000 }
const codeOf = (call: Promise<unknown>) =>
  call.then(() => 0).catch((error: unknown) => (error instanceof ApiException ? error.code : error))

describe('the API of objects', () => {
  it.each(oneOfEach('default').map((manifest) => [manifest.kind, manifest] as const))(
    'creates, reads, patches, replaces, lists and deletes: %s',
    async (_kind, manifest) => {
      const api = KubernetesObjectApi.makeApiClient(config)
      const isClusterWide = builtinKinds.some(({ kind, scope }) => kind === manifest.kind && scope === 'Cluster')
      const place = isClusterWide ? {} : { namespace: 'default' }
      const { apiVersion, kind } = manifest
      const metadata = { ...manifest.metadata, ...place } as Manifest['metadata'] & { name: string; namespace?: string }
      const header = { apiVersion, kind, metadata: { name: metadata.name, ...place } }

      expect(await api.create({ ...manifest, metadata }, undefined, 'All')).toMatchObject({ kind })
      const created = await api.create({ ...manifest, metadata })
      expect(created.metadata?.uid).toBeTruthy()
      expect((await api.read(header)).metadata?.resourceVersion).toBe(created.metadata?.resourceVersion)
      const patch = { ...header, metadata: { ...header.metadata, labels: { seen: 'yes' } } }
      const patched = await api.patch(patch, undefined, undefined, undefined, undefined, PatchStrategy.MergePatch)
      expect(await codeOf(api.patch(patch))).toBe(apiVersion.startsWith('millrace.dev') ? 415 : 0)
      expect(await codeOf(api.replace({ ...created, metadata: { ...created.metadata, labels: { seen: 'no' } } } as KubernetesObject))).toBe(
        409,
      )
      await api.replace({ ...patched, metadata: { ...patched.metadata, labels: { seen: 'twice' } } } as KubernetesObject)
      const list = await api.list(apiVersion, kind, place.namespace, undefined, undefined, undefined, undefined, 'seen=twice')
      expect(list.items.map((item) => item.metadata?.name)).toEqual([metadata.name])
      await api.delete(header, undefined, undefined, 0, undefined, 'Background')
      if (kind !== 'Namespace') expect(await codeOf(api.read(header))).toBe(404)
    },
  )
})

describe('the typed APIs', () => {
  it('know the server, its namespaces, its nodes and its settings', async () => {
    expect(await config.makeApiClient(VersionApi).getCode()).toMatchObject({ major: '1', minor: '32' })
    const core = config.makeApiClient(CoreV1Api)
    await core.createNamespace({ body: { metadata: { name: 'typed' } } })
    await core.createNamespacedConfigMap({ namespace: 'typed', body: { metadata: { name: 'settings' }, data: { a: 'b' } } })
    await core.createNamespacedSecret({ namespace: 'typed', body: { metadata: { name: 'account' }, stringData: { password: 'x' } } })
    expect((await core.readNamespacedConfigMap({ namespace: 'typed', name: 'settings' })).data).toEqual({ a: 'b' })
    expect((await core.readNamespacedSecret({ namespace: 'typed', name: 'account' })).data).toEqual({ password: 'eA==' })
    expect((await core.listNamespace({ fieldSelector: 'metadata.name=typed' })).items[0]?.status?.phase).toBe('Active')
    expect((await core.listSecretForAllNamespaces({ limit: 1 })).items).toHaveLength(1)
    const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch)
    await core.patchNamespacedConfigMap({ namespace: 'typed', name: 'settings', body: { data: { c: 'd' } } }, merge)
    await core.patchNamespacedConfigMap({ namespace: 'typed', name: 'settings', body: [{ op: 'remove', path: '/data/a' }] })
    expect((await core.readNamespacedConfigMap({ namespace: 'typed', name: 'settings' })).data).toEqual({ c: 'd' })
    expect(
      (await core.deleteNamespacedConfigMap({ namespace: 'typed', name: 'settings', body: { propagationPolicy: 'Background' } })).status,
    ).toBe('Success')
    expect((await core.deleteCollectionNamespacedSecret({ namespace: 'typed' })).status).toBe('Success')
    expect(await codeOf(core.readNamespacedSecret({ namespace: 'typed', name: 'account' }))).toBe(404)
  })

  it('elect a leader by a lease, and hear of the race that they lose', async () => {
    const leases = config.makeApiClient(CoordinationV1Api)
    const at = { namespace: 'default', name: 'election' }
    const renewTime = new V1MicroTime('2026-01-02T03:04:05.678Z')
    await leases.createNamespacedLease({
      namespace: 'default',
      body: { metadata: { name: at.name }, spec: { holderIdentity: 'a', leaseDurationSeconds: 15, renewTime } },
    })
    const seen = await leases.readNamespacedLease(at)
    const mine = { ...seen, spec: { ...seen.spec, holderIdentity: 'b' } }
    await leases.replaceNamespacedLease({ ...at, body: mine })
    expect(await codeOf(leases.replaceNamespacedLease({ ...at, body: { ...mine, spec: { ...mine.spec, holderIdentity: 'c' } } }))).toBe(409)
    expect((await leases.readNamespacedLease(at)).spec).toMatchObject({ holderIdentity: 'b', renewTime: '2026-01-02T03:04:05.678000Z' })
  })
})

describe('custom objects', () => {
  const tasks = { group: 'millrace.dev', version: 'v1', namespace: 'default', plural: 'tasks' }

  it('are what Tasks are to it', async () => {
    const api = config.makeApiClient(CustomObjectsApi)
    const body = {
      apiVersion: 'millrace.dev/v1',
      kind: 'Task',
      metadata: { name: 'custom', labels: { app: 'x' } },
      spec: { command: ['true'] },
    }
    expect(await api.createNamespacedCustomObject({ ...tasks, body })).toMatchObject({ kind: 'Task', status: { phase: 'Pending' } })
    expect(await codeOf(api.createNamespacedCustomObject({ ...tasks, body }))).toBe(409)
    const at = { ...tasks, name: 'custom' }
    await api.patchNamespacedCustomObject({ ...at, body: [{ op: 'replace', path: '/spec/priority', value: 3 }] })
    await api.patchNamespacedCustomObjectStatus({ ...at, body: [{ op: 'replace', path: '/status/phase', value: 'Unknown' }] })
    const changed = await api.getNamespacedCustomObject(at)
    expect(changed).toMatchObject({ spec: { priority: 3 }, status: { phase: 'Unknown' } })
    await api.replaceNamespacedCustomObject({ ...at, body: { ...changed, spec: { ...changed.spec, priority: 4 } } })
    expect((await api.listNamespacedCustomObject({ ...tasks, labelSelector: 'app=x' })).items).toMatchObject([{ spec: { priority: 4 } }])
    expect((await api.listClusterCustomObject({ group: 'millrace.dev', version: 'v1', plural: 'tasks' })).items).toHaveLength(1)
    const unknown = { ...body, metadata: { name: 'typo' }, spec: { comand: ['true'] } }
    expect(await codeOf(api.createNamespacedCustomObject({ ...tasks, body: unknown, fieldValidation: 'Strict' }))).toBe(400)
    expect(await api.deleteNamespacedCustomObject({ ...at, propagationPolicy: 'Background' })).toMatchObject({ status: 'Success' })
  })
})

describe('a watch', () => {
  it('tells what happens from a revision on, and ends with the timeout that it asked for', async () => {
    const core = config.makeApiClient(CoreV1Api)
    const { metadata } = await core.listNamespacedConfigMap({ namespace: 'default' })
    const told: string[] = []
    let end: unknown
    const query = { resourceVersion: metadata?.resourceVersion, allowWatchBookmarks: true, timeoutSeconds: 2 }
    const ended = new Promise<void>((resolve) => {
      void new Watch(config).watch(
        '/api/v1/namespaces/default/configmaps',
        query,
        (type, object) => told.push([type, object.metadata.name].filter(Boolean).join(' ')),
        (error) => {
          end = error
          resolve()
        },
      )
    })
    await core.createNamespacedConfigMap({ namespace: 'default', body: { metadata: { name: 'watched' } } })
    await core.deleteNamespacedConfigMap({ namespace: 'default', name: 'watched' })
    await ended
    expect([told, end]).toEqual([['ADDED watched', 'DELETED watched', 'BOOKMARK'], null])
  })
})

describe('an informer', () => {
  it('has the state, follows it, and lists again when what it saw last has been compacted', async () => {
    const api = KubernetesObjectApi.makeApiClient(config)
    const core = config.makeApiClient(CoreV1Api)
    const create = (name: string) =>
      core.createNamespacedConfigMap({ namespace: 'default', body: { metadata: { name, labels: { informed: 'yes' } } } })
    const list = () => api.list('v1', 'ConfigMap', 'default', undefined, undefined, undefined, undefined, 'informed=yes')
    const informer = makeInformer(config, '/api/v1/namespaces/default/configmaps', list as ListPromise<KubernetesObject>, 'informed=yes')
    const heard: string[] = []
    for (const verb of ['add', 'update', 'delete'] as const) informer.on(verb, (object) => heard.push(`${verb} ${object.metadata?.name}`))
    // Told of its own stop too, which is no failure.
    informer.on('error', () => {})

    await create('a')
    await informer.start()
    await create('b')
    await core.patchNamespacedConfigMap({ namespace: 'default', name: 'a', body: [{ op: 'add', path: '/data', value: { x: 'y' } }] })
    await core.deleteNamespacedConfigMap({ namespace: 'default', name: 'b' })
    await eventually(() => expect(heard).toEqual(['add a', 'add b', 'update a', 'delete b']), patience)

    await informer.stop()
    await core.deleteNamespacedConfigMap({ namespace: 'default', name: 'a' })
    await create('c')
    await cluster.server.store.compact(cluster.server.store.revision)
    await informer.start()
    await eventually(() => expect(heard.slice(4)).toEqual(['delete a', 'add c']), patience)
    await create('d')
    await eventually(() => expect(heard.at(-1)).toBe('add d'), patience)
    expect(informer.list().map((object) => object.metadata?.name)).toEqual(['c', 'd'])
    await informer.stop()
  })
})
