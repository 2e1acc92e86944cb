import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { eventually } from '../../../lib/testing/eventually.js'
import { type TestCluster, testCluster } from '../../../lib/testing/test-cluster.js'
import { aTask, type Json, send, tableAccept, tasks, tasksOf } from '../fixtures/requests.js'
import { WatchClient } from '../fixtures/watch-client.js'

let cluster: TestCluster
const open: WatchClient[] = []
beforeEach(async () => {
  cluster = await testCluster()
})
afterEach(async () => {
  for (const watch of open.splice(0)) watch.close()
  await cluster.close()
})

const sse = { Accept: 'text/event-stream' }
async function watch(path: string, headers: Record<string, string> = {}): Promise<WatchClient> {
  const client = await WatchClient.open(cluster.url, path, headers)
  open.push(client)
  return client
}
const create = (name: string, labels: object = {}, namespace = 'default') =>
  send(cluster, 'POST', tasksOf(namespace), { body: aTask(name, {}, { labels }) })
const label = (name: string, labels: object) => send(cluster, 'PATCH', `${tasks}/${name}`, { body: { metadata: { labels } } })
const remove = (name: string) => send(cluster, 'DELETE', `${tasks}/${name}`)
const revisionOf = (object: Json) => Number(object.metadata.resourceVersion)
const now = () => String(cluster.store.revision)

describe('a watch', () => {
  it('sends its headers before there is any event', async () => {
    const client = await watch(`${tasks}?watch=1&resourceVersion=${now()}`)
    expect(client.code).toBe(200)
    expect(client.response.headers['content-type']).toBe('application/json')
    expect(client.events).toEqual([])
  })

  it('tells the current state and then every change, in order', async () => {
    await create('a')
    const client = await watch(`${tasks}?watch=1`)
    await client.count(1)
    await label('a', { x: '1' })
    await create('b')
    await remove('a')
    await client.count(4)
    expect(client.story).toEqual(['ADDED a', 'MODIFIED a', 'ADDED b', 'DELETED a'])
    const revisions = client.events.map(({ object }) => revisionOf(object))
    expect(revisions).toEqual([...revisions].sort((x, y) => x - y))
    expect(client.events.every(({ object }) => object.kind === 'Task' && object.apiVersion === 'millrace.dev/v1')).toBe(true)
  })

  it('gives a DELETED object the revision of its deletion', async () => {
    const created = await create('a')
    const client = await watch(`${tasks}?watch=1&resourceVersion=${now()}`)
    await remove('a')
    const [event] = await client.count(1)
    expect(revisionOf(event?.object)).toBeGreaterThan(revisionOf(created.json))
    expect(revisionOf(event?.object)).toBe(cluster.store.revision)
  })

  it('resumes from every revision that it was ever at, without gap or duplicate', async () => {
    const from = cluster.store.revision
    for (let index = 0; index < 5; index += 1) await create(`t${index}`)
    for (let index = 0; index < 5; index += 1) await label(`t${index}`, { round: '1' })
    for (let index = 0; index < 5; index += 1) await remove(`t${index}`)
    const whole = await watch(`${tasks}?watch=1&resourceVersion=${from}`)
    await whole.count(15)
    const told = whole.events.map(({ type, object }) => `${type} ${object.metadata.name} ${object.metadata.resourceVersion}`)
    for (const [index, { object }] of whole.events.entries()) {
      const resumed = await watch(`${tasks}?watch=1&resourceVersion=${object.metadata.resourceVersion}`)
      await resumed.count(told.length - index - 1)
      expect(resumed.events.map((event) => `${event.type} ${event.object.metadata.name} ${event.object.metadata.resourceVersion}`)).toEqual(
        told.slice(index + 1),
      )
    }
  })

  it('loses and doubles nothing when it reconnects again and again while others write', async () => {
    const from = cluster.store.revision
    const writes = Promise.all(
      Array.from({ length: 8 }, async (_, writer) => {
        for (let round = 0; round < 15; round += 1) {
          await create(`w${writer}-${round}`)
          await label(`w${writer}-${round}`, { seen: 'yes' })
        }
      }),
    )
    const seen: string[] = []
    let position = String(from)
    while (seen.length < 240) {
      const client = await watch(`${tasks}?watch=1`, { ...sse, 'Last-Event-ID': position })
      await client.count(Math.min(1 + Math.floor(Math.random() * 20), 240 - seen.length))
      client.close()
      for (const { id, type, object } of client.events) {
        seen.push(`${type} ${object.metadata.name}`)
        position = id ?? position
      }
    }
    await writes
    expect(seen).toHaveLength(240)
    expect(new Set(seen).size).toBe(240)
  })

  it('shows an object that enters the selector as ADDED, and one that leaves as DELETED with what last matched', async () => {
    await create('a')
    const client = await watch(`${tasks}?watch=1&labelSelector=app%3Dx&resourceVersion=${now()}`)
    await label('a', { app: 'x' })
    await label('a', { app: 'x', more: '1' })
    await label('a', { app: 'y' })
    await label('a', { app: 'z' })
    await label('a', { app: 'x' })
    await remove('a')
    await client.count(5)
    expect(client.story).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED a', 'DELETED a'])
    const left = client.events[2]?.object
    expect(left.metadata.labels).toEqual({ app: 'x', more: '1' })
    expect(revisionOf(left)).toBeGreaterThan(revisionOf(client.events[1]?.object))
    expect(revisionOf(left)).toBeLessThan(revisionOf(client.events[3]?.object))
  })

  it('follows the same transitions when it reads them from the log', async () => {
    const from = now()
    await create('a')
    await label('a', { app: 'x' })
    await label('a', { app: 'y' })
    const client = await watch(`${tasks}?watch=1&labelSelector=app%3Dx&resourceVersion=${from}`)
    await client.count(2)
    expect(client.story).toEqual(['ADDED a', 'DELETED a'])
    expect(client.events[1]?.object.metadata.labels).toEqual({ app: 'x' })
  })

  it('finds watchers of an indexed field by its old and its new value', async () => {
    await send(cluster, 'POST', '/api/v1/nodes', { body: { metadata: { name: 'n1' } } })
    await send(cluster, 'PATCH', '/api/v1/nodes/n1/status', {
      body: { status: { allocatable: { cpu: '4', memory: '8Gi' }, backends: [{ name: 'process', available: true, isolation: 'user' }] } },
    })
    const bound = await watch(`${tasks}?watch=1&fieldSelector=spec.nodeName%3Dn1&resourceVersion=${now()}`)
    const unbound = await watch(`${tasks}?watch=1&fieldSelector=spec.nodeName%3D&resourceVersion=${now()}`)
    const other = await watch(`${tasks}?watch=1&fieldSelector=spec.nodeName%3Dn2&resourceVersion=${now()}`)
    await create('a')
    const binding = await send(cluster, 'POST', `${tasks}/a/binding`, { body: { target: { kind: 'Node', name: 'n1' } } })
    expect(binding.code).toBe(201)
    await unbound.count(2)
    expect(unbound.story).toEqual(['ADDED a', 'DELETED a'])
    const { resourceVersion } = (await send(cluster, 'GET', `${tasks}/a`)).json.metadata
    const clearing = await send(cluster, 'PATCH', `${tasks}/a`, {
      body: { metadata: { resourceVersion }, spec: { nodeName: null } },
      user: 'system:controller-manager',
    })
    expect(clearing.code).toBe(200)
    await bound.count(2)
    expect(bound.story).toEqual(['ADDED a', 'DELETED a'])
    expect(other.story).toEqual([])
  })

  it('keeps to its namespace, and to one name', async () => {
    await send(cluster, 'POST', '/api/v1/namespaces', { body: { metadata: { name: 'default2' } } })
    const named = await watch(`${tasks}/b?watch=1&resourceVersion=${now()}`)
    const inNamespace = await watch(`${tasks}?watch=1&resourceVersion=${now()}`)
    const everywhere = await watch(`/apis/millrace.dev/v1/tasks?watch=1&resourceVersion=${now()}`)
    await create('a')
    await create('a', {}, 'default2')
    await create('b')
    await everywhere.count(3)
    await named.count(1)
    await inNamespace.count(2)
    expect(named.story).toEqual(['ADDED b'])
    expect(inNamespace.story).toEqual(['ADDED a', 'ADDED b'])
  })

  it('ends by itself after timeoutSeconds, with a bookmark if it may have one', async () => {
    const client = await watch(`${tasks}?watch=1&allowWatchBookmarks=true&timeoutSeconds=1&resourceVersion=${now()}`)
    await client.ended()
    expect(client.events).toEqual([
      { type: 'BOOKMARK', object: { kind: 'Task', apiVersion: 'millrace.dev/v1', metadata: { resourceVersion: now() } } },
    ])
  })

  it('shows tables and bare metadata to who asks for them', async () => {
    const table = await watch(`${tasks}?watch=1&resourceVersion=${now()}`, { Accept: tableAccept })
    const metadata = await watch(`${tasks}?watch=1&resourceVersion=${now()}`, {
      Accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
    })
    await create('a')
    const [row] = await table.count(1)
    expect(row?.object).toMatchObject({
      kind: 'Table',
      rows: [{ cells: ['a', 'Pending', null, null, null, '0s', null, null, null], object: { kind: 'PartialObjectMetadata' } }],
    })
    const [bare] = await metadata.count(1)
    expect(bare?.object).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'a' } })
    expect(bare?.object.spec).toBeUndefined()
  })
})

describe('where a watch begins', () => {
  it.each([
    ['', ['ADDED a']],
    ['&resourceVersion=0', ['ADDED a']],
    ['&resourceVersion=NOW', []],
    ['&sendInitialEvents=true&resourceVersionMatch=NotOlderThan', ['ADDED a']],
    ['&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true', ['ADDED a', 'BOOKMARK']],
    ['&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion=0', ['ADDED a', 'BOOKMARK']],
    ['&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion=NOW', ['ADDED a', 'BOOKMARK']],
    ['&sendInitialEvents=false&resourceVersionMatch=NotOlderThan', []],
    ['&sendInitialEvents=false&resourceVersionMatch=NotOlderThan&resourceVersion=0', []],
    ['&sendInitialEvents=false&resourceVersionMatch=NotOlderThan&resourceVersion=BEFORE', ['ADDED a']],
  ])('with %s it first tells %j', async (parameters, expected) => {
    const before = now()
    await create('a')
    const client = await watch(`${tasks}?watch=1${parameters.replace('NOW', now()).replace('BEFORE', before)}`)
    await create('last')
    await client.count(expected.length + 1)
    expect(client.story).toEqual([...expected, 'ADDED last'])
  })

  it('marks the end of the initial state, at the revision that it was true at', async () => {
    await create('a')
    const revision = now()
    const client = await watch(`${tasks}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`)
    await client.count(2)
    expect(client.events[1]).toEqual({
      type: 'BOOKMARK',
      object: {
        kind: 'Task',
        apiVersion: 'millrace.dev/v1',
        metadata: { resourceVersion: revision, annotations: { 'k8s.io/initial-events-end': 'true' } },
      },
    })
  })

  it.each([
    ['sendInitialEvents=true', 422],
    ['sendInitialEvents=true&resourceVersionMatch=Exact', 422],
    ['sendInitialEvents=false', 422],
    ['resourceVersionMatch=NotOlderThan&resourceVersion=1', 422],
    ['resourceVersionMatch=Exact&resourceVersion=1', 422],
    ['sendInitialEvents=true&resourceVersionMatch=NotOlderThan&continue=abc', 422],
    ['resourceVersion=abc', 400],
    ['resourceVersion=-1', 400],
    ['sendInitialEvents=perhaps', 400],
    ['timeoutSeconds=soon', 400],
    ['allowWatchBookmarks=maybe', 400],
    ['labelSelector=%2C%2C', 400],
    ['fieldSelector=spec.command%3Dx', 400],
  ])('refuses %s with %i', async (parameters, code) => {
    const answer = await send(cluster, 'GET', `${tasks}?watch=1&${parameters}`)
    expect(answer.code).toBe(code)
    expect(answer.json).toMatchObject({ kind: 'Status', status: 'Failure', code })
  })

  it('answers 410 for a revision below the floor, and for one that will never come', async () => {
    const old = now()
    await create('a')
    await create('b')
    await cluster.store.compact(cluster.store.revision)
    const below = await send(cluster, 'GET', `${tasks}?watch=1&resourceVersion=${old}`)
    expect(below).toMatchObject({ code: 410, json: { reason: 'Expired' } })
    const initial = await watch(`${tasks}?watch=1&resourceVersion=0`)
    await initial.count(2)
    const impatient = await testCluster({ limits: { freshnessWaitMs: 50 } })
    const beyond = await send(impatient, 'GET', `${tasks}?watch=1&resourceVersion=999999`)
    expect(beyond).toMatchObject({ code: 410, json: { reason: 'Expired' } })
    await impatient.close()
  })

  it('waits for a revision that is about to come', async () => {
    const next = cluster.store.revision + 1
    const opening = watch(`${tasks}?watch=1&resourceVersion=${next}`)
    await create('a')
    const client = await opening
    await create('b')
    await client.count(1)
    expect(client.story).toEqual(['ADDED b'])
  })
})

describe('server-sent events', () => {
  it('carry an id on live events and on bookmarks, and on nothing that is only state', async () => {
    await create('a')
    const revision = now()
    const client = await watch(`${tasks}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`, sse)
    expect(client.isSse).toBe(true)
    await client.count(2)
    await create('b')
    await client.count(3)
    expect(client.events.map(({ type, id }) => ({ type, id }))).toEqual([
      { type: 'ADDED', id: undefined },
      { type: 'BOOKMARK', id: revision },
      { type: 'ADDED', id: now() },
    ])
  })

  it('resume by Last-Event-ID, which overrides every other start', async () => {
    const from = now()
    await create('a')
    await create('b')
    const client = await watch(`${tasks}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=0`, {
      ...sse,
      'Last-Event-ID': from,
    })
    await client.count(2)
    expect(client.events.every(({ id, object }) => id === object.metadata.resourceVersion)).toBe(true)
  })

  it('end with an ERROR without id when the user may no longer watch', async () => {
    const client = await watch(`${tasks}?watch=1`, { ...sse, Authorization: 'Bearer system:scheduler' })
    await create('a')
    await client.count(1)
    cluster.revoke('system:scheduler')
    await cluster.clock.advance(60_000)
    await client.ended()
    expect(client.events.at(-1)).toMatchObject({ type: 'ERROR', id: undefined, object: { kind: 'Status', code: 401 } })
  })
})

describe('several resources on one stream', () => {
  const resources = (...selections: string[]) =>
    `/apis/millrace.dev/v1/watch?${selections.map((text) => `resources=${encodeURIComponent(text)}`).join('&')}`

  it('are told in one order, with ids by which all of them resume', async () => {
    const from = now()
    const path = resources('millrace.dev/v1/tasks;namespace=default;labelSelector=app=x', 'v1/configmaps')
    const live = await watch(`${path}&resourceVersion=${from}`, sse)
    for (let index = 0; index < 5; index += 1) {
      await Promise.all([
        create(`t${index}`, { app: 'x' }),
        create(`u${index}`, { app: 'y' }),
        send(cluster, 'POST', '/api/v1/namespaces/default/configmaps', { body: { metadata: { name: `c${index}` } } }),
      ])
    }
    await live.count(10)
    const ids = live.events.map(({ id }) => Number(id))
    expect(ids).toEqual([...ids].sort((a, b) => a - b))
    expect(new Set(live.events.map(({ object }) => object.kind))).toEqual(new Set(['Task', 'ConfigMap']))
    for (const [index, id] of ids.entries()) {
      const resumed = await watch(path, { ...sse, 'Last-Event-ID': String(id) })
      await resumed.count(9 - index)
      expect(resumed.events.map((event) => Number(event.id))).toEqual(ids.slice(index + 1))
    }
  })

  it('begin with one state of all, ended by one bookmark', async () => {
    await create('a')
    await send(cluster, 'POST', '/api/v1/namespaces/default/configmaps', { body: { metadata: { name: 'c' } } })
    const path = `${resources('millrace.dev/v1/tasks', 'v1/configmaps')}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`
    const client = await watch(path, sse)
    await client.count(3)
    expect(client.story).toEqual(['ADDED a', 'ADDED c', 'BOOKMARK'])
    expect(client.events[2]?.id).toBe(now())
  })

  it('are each authorized: one that is forbidden refuses the stream', async () => {
    const answer = await send(cluster, 'GET', resources('millrace.dev/v1/tasks', 'v1/secrets'), { user: 'system:scheduler' })
    expect(answer).toMatchObject({ code: 403, json: { reason: 'Forbidden', message: expect.stringContaining('secrets') } })
  })

  it.each([
    ['nothing at all', '/apis/millrace.dev/v1/watch'],
    ['an unknown resource', resources('v1/nothings')],
    ['an unknown option', resources('v1/nodes;sort=name')],
    ['a namespace of a kind that has none', resources('v1/nodes;namespace=default')],
    ['a field that cannot be selected', resources('v1/nodes;fieldSelector=status.x=1')],
  ])('refuse %s', async (_what, path) => {
    expect(await send(cluster, 'GET', path)).toMatchObject({ code: 400, json: { kind: 'Status', reason: 'BadRequest' } })
  })
})

describe('bookmarks', () => {
  it('come once a minute to who allows them, never ahead of what was delivered', async () => {
    const client = await watch(`${tasks}?watch=1&allowWatchBookmarks=true&resourceVersion=${now()}`)
    const without = await watch(`${tasks}?watch=1&resourceVersion=${now()}`)
    const elsewhere = await watch(`/api/v1/nodes?watch=1&allowWatchBookmarks=true&resourceVersion=${now()}`)
    await create('a')
    await client.count(1)
    await cluster.clock.advance(60_000)
    await client.count(2)
    await elsewhere.count(1)
    expect(client.story).toEqual(['ADDED a', 'BOOKMARK'])
    expect(revisionOf(client.events[1]?.object)).toBe(cluster.store.revision)
    expect(revisionOf(elsewhere.events[0]?.object)).toBe(cluster.store.revision)
    await create('b')
    await without.count(2)
    expect(without.story).toEqual(['ADDED a', 'ADDED b'])
  })
})

describe('a slow watcher', () => {
  const upgrade =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'
  it.each([
    ['chunked JSON', ''],
    ['server-sent events', 'Accept: text/event-stream\r\n'],
    ['WebSocket', upgrade],
  ])('is ended at its byte budget, and hurts nobody else: %s', async (_dressing, headers) => {
    const small = await testCluster({ limits: { watchByteBudget: 64 * 1024 } })
    const quick = await WatchClient.open(small.url, `${tasks}?watch=1`)
    const stalled = connect(Number(new URL(small.url).port), '127.0.0.1')
    stalled.write(`GET ${tasks}?watch=1 HTTP/1.1\r\nHost: x\r\n${headers}\r\n`)
    await new Promise((resolve) => stalled.once('data', resolve))
    stalled.pause()
    const closed = new Promise((resolve) => stalled.once('close', resolve))
    const large = { note: 'x'.repeat(200_000) }
    let written = 0
    for (; written < 100 && openWatches(await metrics(small)) > 1; written += 1)
      await send(small, 'POST', tasks, { body: aTask(`t${written}`, {}, { annotations: large }) })
    expect(openWatches(await metrics(small))).toBe(1)
    await quick.count(written)
    expect(new Set(quick.story).size).toBe(written)
    stalled.resume()
    await closed
    quick.close()
    await small.close()
  })
})

const metrics = async (of: TestCluster) => (await send(of, 'GET', '/metrics')).text
const openWatches = (text: string) => Number(/^millrace_watches (\d+)$/m.exec(text)?.[1])

describe('a WebSocket', () => {
  it('carries the same events as text messages', async () => {
    await create('a')
    const socket = new WebSocket(`${cluster.url.replace('http', 'ws')}${tasks}?watch=1`)
    const messages: Json[] = []
    socket.on('message', (data, isBinary) => messages.push(isBinary ? 'binary' : JSON.parse(data.toString())))
    await eventually(() => messages.length === 1)
    await remove('a')
    await eventually(() => messages.length === 2)
    expect(messages.map(({ type, object }) => `${type} ${object.metadata.name}`)).toEqual(['ADDED a', 'DELETED a'])
    socket.terminate()
  })

  it('is refused in plain HTTP where there is nothing to watch or the user may not', async () => {
    const code = (path: string, headers = {}) =>
      new Promise((resolve) =>
        new WebSocket(cluster.url.replace('http', 'ws') + path, { headers }).on('error', (error) => resolve(error.message)),
      )
    expect(await code('/api/v1/nothings?watch=1')).toContain('404')
    expect(await code(`${tasks}?watch=1`, { Authorization: 'Bearer nobody' })).toContain('403')
    expect(await code(`${tasks}?watch=1&resourceVersion=x`)).toContain('400')
  })
})

describe('ending the server', () => {
  it('ends the watches and lets clients resume', async () => {
    const clients = await Promise.all(Array.from({ length: 20 }, () => watch(`${tasks}?watch=1`)))
    await cluster.server.stop()
    await Promise.all(clients.map((client) => client.ended()))
    expect(clients.every((client) => client.response.complete)).toBe(true)
  })
})
