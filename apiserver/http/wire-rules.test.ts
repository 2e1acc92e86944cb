/** Rules of the wire to which Kubernetes' own suites hold a server, and that no other test here states over HTTP. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'
import { type Json, send, tableAccept, tasks } from './fixtures/requests.js'
import { WatchClient } from './fixtures/watch-client.js'

let cluster: TestCluster
beforeEach(async () => {
  cluster = await testCluster({ limits: { freshnessWaitMs: 50, maxBodyBytes: 200_000 } })
})
afterEach(() => cluster.close())

const configMaps = '/api/v1/namespaces/default/configmaps'
const now = () => cluster.store.revision
const create = (name: string, more: object = {}, metadata: object = {}) =>
  send(cluster, 'POST', configMaps, { body: { metadata: { name, ...metadata }, ...more } })
const revisionOf = (answer: { json: Json }) => answer.json.metadata.resourceVersion

describe('a GET', () => {
  it('shows an object that is as new as its resourceVersion asks', async () => {
    const created = revisionOf(await create('a'))
    await create('b')
    for (const version of ['', '0', created, String(now())]) {
      const answer = await send(cluster, 'GET', `${configMaps}/a?resourceVersion=${version}`)
      expect([version, answer.code, revisionOf(answer)]).toEqual([version, 200, created])
    }
  })

  it('of the future is told so, and when to ask again', async () => {
    await create('a')
    const answer = await send(cluster, 'GET', `${configMaps}/a?resourceVersion=9999`)
    expect(answer).toMatchObject({ code: 504, json: { reason: 'Timeout', message: `Too large resource version: 9999, current: ${now()}` } })
    expect(answer.headers.get('Retry-After')).toBe('1')
  })

  it('of what is not there names it', async () => {
    expect((await send(cluster, 'GET', `${tasks}/a`)).json).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'tasks.millrace.dev "a" not found',
      reason: 'NotFound',
      details: { name: 'a', group: 'millrace.dev', kind: 'tasks' },
      code: 404,
    })
  })

  it('of a large object is compressed for who takes it', async () => {
    await create('a', { data: { x: 'x'.repeat(150_000) } })
    const answer = await send(cluster, 'GET', `${configMaps}/a`, { headers: { 'Accept-Encoding': 'gzip' } })
    expect([answer.headers.get('Content-Encoding'), answer.json.data.x.length]).toEqual(['gzip', 150_000])
  })

  it('shows one row, or metadata alone, to who asks for them', async () => {
    await create('a', { data: { x: 'y' } })
    const table = await send(cluster, 'GET', `${configMaps}/a`, { headers: { Accept: tableAccept } })
    expect(table.json).toMatchObject({ kind: 'Table', rows: [{ cells: ['a', 1, '0s'] }] })
    const metadata = await send(cluster, 'GET', `${configMaps}/a`, {
      headers: { Accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1' },
    })
    expect(Object.keys(metadata.json).sort()).toEqual(['apiVersion', 'kind', 'metadata'])
  })
})

describe('a POST', () => {
  it.each([
    ['another apiVersion', { apiVersion: 'v2' }, 400],
    ['another kind', { kind: 'Secret' }, 400],
    ['another namespace', { metadata: { name: 'a', namespace: 'kube-system' } }, 400],
    ['a resourceVersion', { metadata: { name: 'a', resourceVersion: '5' } }, 400],
    ['no name', { metadata: {} }, 422],
    ['the rest of its type left out', {}, 201],
    ['its own type', { apiVersion: 'v1', kind: 'ConfigMap' }, 201],
  ])('with %s is answered with %3$i', async (_what, fields, code) => {
    expect((await send(cluster, 'POST', configMaps, { body: { metadata: { name: 'a' }, ...fields } })).code).toBe(code)
  })

  it('may be YAML', async () => {
    const yaml = { body: 'metadata:\n  name: a\ndata:\n  x: "y"\n', headers: { 'Content-Type': 'application/yaml' } }
    expect(await send(cluster, 'POST', configMaps, yaml)).toMatchObject({ code: 201, json: { data: { x: 'y' } } })
  })

  it('of more than a body may hold is 413, and leaves nothing', async () => {
    expect(await create('a', { data: { x: 'x'.repeat(200_000) } })).toMatchObject({ code: 413, json: { reason: 'RequestEntityTooLarge' } })
    expect((await send(cluster, 'GET', `${configMaps}/a`)).code).toBe(404)
  })

  it('of a question has no table for an answer', async () => {
    const body = { spec: { resourceAttributes: { verb: 'get', resource: 'nodes' } } }
    const answer = await send(cluster, 'POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      body,
      headers: { Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
    })
    expect(answer).toMatchObject({ code: 406, json: { reason: 'NotAcceptable' } })
  })
})

describe('a PUT', () => {
  it.each([
    ['another name', { name: 'b' }, 400],
    ['another namespace', { namespace: 'kube-system' }, 400],
    ['another uid', { uid: 'x' }, 409],
    ['no name', { name: undefined }, 200],
    ['no namespace', { namespace: undefined }, 200],
  ])('with %s is answered with %3$i', async (_what, metadata, code) => {
    const { json } = await create('a')
    const body = { ...json, metadata: { ...json.metadata, ...metadata } }
    expect((await send(cluster, 'PUT', `${configMaps}/a`, { body })).code).toBe(code)
  })
})

describe('a PATCH', () => {
  it('with the resourceVersion that is there is done, with another is a conflict, with none is done on what is there', async () => {
    const { json } = await create('a')
    const patch = (resourceVersion: string | undefined, value: string) =>
      send(cluster, 'PATCH', `${configMaps}/a`, { body: { metadata: { resourceVersion }, data: { value } } })
    expect((await patch(json.metadata.resourceVersion, 'one')).code).toBe(200)
    expect(await patch(json.metadata.resourceVersion, 'two')).toMatchObject({ code: 409, json: { reason: 'Conflict' } })
    expect((await patch(undefined, 'three')).json.data).toEqual({ value: 'three' })
  })

  it('races with others without losing one of them', async () => {
    await create('a')
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => send(cluster, 'PATCH', `${configMaps}/a`, { body: { data: { [`k${index}`]: 'v' } } })),
    )
    expect(Object.keys((await send(cluster, 'GET', `${configMaps}/a`)).json.data)).toHaveLength(20)
  })
})

describe('a DELETE', () => {
  it('of what is not there is 404, by name; of a collection it is success', async () => {
    expect((await send(cluster, 'DELETE', `${configMaps}/a`)).code).toBe(404)
    expect((await send(cluster, 'DELETE', configMaps)).json).toMatchObject({ kind: 'Status', status: 'Success' })
  })

  it('of one state holds only while it is that state', async () => {
    const { json } = await create('a')
    await send(cluster, 'PATCH', `${configMaps}/a`, { body: { data: { x: 'y' } } })
    const remove = (preconditions: object) => send(cluster, 'DELETE', `${configMaps}/a`, { body: { preconditions } })
    expect((await remove({ resourceVersion: json.metadata.resourceVersion })).code).toBe(409)
    expect((await remove({ uid: 'another' })).code).toBe(409)
    expect((await remove({ uid: json.metadata.uid, resourceVersion: String(now()) })).json).toMatchObject({
      status: 'Success',
      details: { name: 'a', uid: json.metadata.uid },
    })
  })

  it('of a collection takes what is selected, tells watchers of each, and leaves the rest', async () => {
    for (const [name, app] of Object.entries({ a: 'x', b: 'x', c: 'y' })) await create(name, {}, { labels: { app } })
    const watch = await WatchClient.open(cluster.url, `${configMaps}?watch=1&resourceVersion=${now()}`)
    await send(cluster, 'DELETE', `${configMaps}?labelSelector=app%3Dx`)
    await watch.count(2)
    expect([...watch.story].sort()).toEqual(['DELETED a', 'DELETED b'])
    watch.close()
    await send(cluster, 'DELETE', `${configMaps}?fieldSelector=metadata.name%3Dnone`)
    expect((await send(cluster, 'GET', configMaps)).json.items.map(({ metadata }: Json) => metadata.name)).toEqual(['c'])
  })

  it('of a collection twice at once is success for both', async () => {
    for (let index = 0; index < 20; index += 1) await create(`c${index}`)
    const answers = await Promise.all([1, 2].map(() => send(cluster, 'DELETE', configMaps)))
    expect(answers.map(({ code }) => code)).toEqual([200, 200])
    expect((await send(cluster, 'GET', configMaps)).json.items).toEqual([])
  })
})

describe('a page of a list', () => {
  it('goes on by its token beside resourceVersion 0, which says nothing', async () => {
    for (const name of ['a', 'b']) await create(name)
    const token = (await send(cluster, 'GET', `${configMaps}?limit=1`)).json.metadata.continue
    const answer = await send(cluster, 'GET', `${configMaps}?limit=1&resourceVersion=0&continue=${token}`)
    expect(answer.json.items.map(({ metadata }: Json) => metadata.name)).toEqual(['b'])
  })

  it('of any size is a page of the same list: 40 objects, in sizes that change from page to page', async () => {
    await Promise.all(Array.from({ length: 40 }, (_, index) => create(`c${String(index).padStart(2, '0')}`)))
    const names: string[] = []
    let token = ''
    for (let limit = 1; ; limit = (limit * 3 + 1) % 11 || 1) {
      const { json } = await send(cluster, 'GET', `${configMaps}?limit=${limit}${token && `&continue=${token}`}`)
      names.push(...json.items.map(({ metadata }: Json) => metadata.name))
      token = json.metadata.continue ?? ''
      expect(json.metadata.remainingItemCount).toBe(token === '' ? undefined : 40 - names.length)
      if (token === '') break
    }
    expect(names).toEqual(Array.from({ length: 40 }, (_, index) => `c${String(index).padStart(2, '0')}`))
  })
})

describe('what is no resource', () => {
  it('is discovered as a whole by who asks for that, under the type that says so', async () => {
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
    for (const path of ['/api', '/apis']) {
      const answer = await send(cluster, 'GET', path, { headers: { Accept: `${accept},application/json` } })
      expect([answer.headers.get('Content-Type'), answer.json.kind]).toEqual([accept, 'APIGroupDiscoveryList'])
    }
    expect((await send(cluster, 'GET', '/apis')).json.groups[0]).toMatchObject({ preferredVersion: { groupVersion: expect.any(String) } })
  })

  it('is kept by clients as long as its hash says that it is the same', async () => {
    const { paths } = (await send(cluster, 'GET', '/openapi/v3')).json
    const url: string = paths['apis/millrace.dev/v1'].serverRelativeURL
    const first = await send(cluster, 'GET', url)
    expect(first.headers.get('Cache-Control')).toContain('immutable')
    const again = await send(cluster, 'GET', url, { headers: { 'If-None-Match': first.headers.get('ETag') ?? '' } })
    expect([again.code, again.text]).toEqual([304, ''])
  })

  it.each(['/livez', '/readyz', '/healthz'])('says at %s that all is well, and with verbose what was looked at', async (path) => {
    expect((await send(cluster, 'GET', path)).text).toBe('ok')
    expect((await send(cluster, 'GET', `${path}?verbose`)).text).toContain(`[+]ping ok\n`)
  })

  it('is 404 in plain text where there is nothing', async () => {
    expect(await send(cluster, 'GET', '/nothing')).toMatchObject({ code: 404, text: '404 page not found\n' })
  })
})
