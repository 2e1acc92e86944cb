/** Requests of clients that are not installed here, as they send them: helm's store of releases, and k9s' way around a cluster. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { send, tableAccept } from '../../apiserver/http/fixtures/requests.js'
import { WatchClient } from '../../apiserver/http/fixtures/watch-client.js'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'

let cluster: TestCluster
beforeAll(async () => {
  cluster = await testCluster()
})
afterAll(() => cluster.close())

const get = (path: string, headers: Record<string, string> = {}) => send(cluster, 'GET', path, { headers })

it('helm finds its releases by label, the newest of each, and drops the oldest', async () => {
  const secrets = '/api/v1/namespaces/default/secrets'
  for (const version of ['1', '2'])
    expect(
      await send(cluster, 'POST', secrets, {
        body: {
          apiVersion: 'v1',
          kind: 'Secret',
          type: 'helm.sh/release.v1',
          metadata: {
            name: `sh.helm.release.v1.app.v${version}`,
            labels: { owner: 'helm', name: 'app', status: 'pending-install', version, modifiedAt: '1767225600' },
          },
          data: { release: Buffer.from('H4sIAAAA').toString('base64') },
        },
      }),
    ).toMatchObject({ code: 201, json: { type: 'helm.sh/release.v1' } })
  const found = await get(`${secrets}?labelSelector=${encodeURIComponent('name=app,owner=helm')}`)
  expect(found.json.items).toHaveLength(2)
  const { code, json } = await get(`${secrets}/sh.helm.release.v1.app.v2`)
  const deployed = { ...json, metadata: { ...json.metadata, labels: { ...json.metadata.labels, status: 'deployed' } } }
  expect([code, (await send(cluster, 'PUT', `${secrets}/sh.helm.release.v1.app.v2`, { body: deployed })).code]).toEqual([200, 200])
  expect((await get(`${secrets}?labelSelector=${encodeURIComponent('owner=helm,status=deployed')}`)).json.items).toHaveLength(1)
  expect((await send(cluster, 'DELETE', `${secrets}/sh.helm.release.v1.app.v1`)).code).toBe(200)
  expect((await get(`${secrets}/sh.helm.release.v1.other.v1`)).json).toMatchObject({ code: 404, reason: 'NotFound' })
})

it('k9s finds its way: discovery, a burst of access reviews, tables, watches of metadata, and metrics', async () => {
  expect((await get('/version')).json.gitVersion).toMatch(/^v1\.32/)
  const groups = (await get('/apis')).json.groups.map(({ name }: { name: string }) => name)
  expect(groups).toContain('millrace.dev')
  expect(groups).toContain('metrics.k8s.io')
  expect(await get('/apis/metrics.k8s.io/v1beta1/pods')).toMatchObject({ code: 200, json: { kind: 'PodMetricsList', items: [] } })
  const review = (verb: string) =>
    send(cluster, 'POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      body: {
        kind: 'SelfSubjectAccessReview',
        apiVersion: 'authorization.k8s.io/v1',
        metadata: {},
        spec: { resourceAttributes: { namespace: 'default', verb, group: 'millrace.dev', resource: 'tasks' } },
        status: { allowed: false },
      },
      user: 'somebody',
    })
  const answers = await Promise.all(Array.from({ length: 40 }, (_, index) => review(index % 2 === 0 ? 'list' : 'watch')))
  for (const { code, json } of answers) expect([code, json.status.allowed]).toEqual([201, false])
  expect((await get('/apis/millrace.dev/v1/namespaces/default/tasks', { Authorization: 'Bearer somebody' })).code).toBe(403)
  for (const path of ['/api/v1/namespaces', '/api/v1/nodes', '/api/v1/namespaces/default/pods', '/apis/millrace.dev/v1/tasks'])
    expect((await get(path, { Accept: tableAccept })).json.kind).toBe('Table')
  const watch = await WatchClient.open(cluster.url, '/api/v1/namespaces?watch=true&allowWatchBookmarks=true', {
    Accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
  })
  await watch.count(4)
  expect(watch.events.every(({ object }) => object.kind === 'PartialObjectMetadata')).toBe(true)
  watch.close()
})
