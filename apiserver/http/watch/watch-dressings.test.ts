/**
 * What a watch tells, whatever it is dressed in: every row is watched three times
 * at once, and the three must hear the same in the same order.
 */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { securityLabel } from '../../../lib/api/kinds/namespace.js'
import { type TestCluster, testCluster } from '../../../lib/testing/test-cluster.js'
import { type DressedWatch, dressings, openDressed, refusedWatch } from '../fixtures/dressed-watch.js'
import { aTask, type Json, send, tableAccept, tasks, tasksOf } from '../fixtures/requests.js'

let cluster: TestCluster
const open: DressedWatch[] = []
beforeEach(async () => {
  cluster = await testCluster({ limits: { freshnessWaitMs: 50 } })
})
afterEach(async () => {
  for (const watch of open.splice(0)) watch.close()
  await cluster.close()
})

const everywhere = '/apis/millrace.dev/v1/tasks'
const now = () => String(cluster.store.revision)
const create = (name: string, labels: object = {}, place = tasks) => send(cluster, 'POST', place, { body: aTask(name, {}, { labels }) })
const label = (name: string, labels: object) => send(cluster, 'PATCH', `${tasks}/${name}`, { body: { metadata: { labels } } })
const remove = (name: string) => send(cluster, 'DELETE', `${tasks}/${name}`)
const compact = () => cluster.store.compact(cluster.store.revision)

/** The same watch in every dressing. */
async function watch(path: string, headers: Record<string, string> = {}): Promise<readonly DressedWatch[]> {
  const watches = await Promise.all(dressings.map((dressing) => openDressed(cluster.url, path, dressing, headers)))
  open.push(...watches)
  return watches
}

/** Waits for the story, writes one more task that every watch must hear of, and compares: nothing missing, nothing more, all alike. */
async function expectStory(watches: readonly DressedWatch[], story: readonly string[], last?: () => Promise<unknown>): Promise<Json[]> {
  await last?.()
  await Promise.all(watches.map((one) => one.count(story.length)))
  for (const [index, one] of watches.entries()) expect([dressings[index], one.story]).toEqual([dressings[index], story])
  const heard = watches.map((one) => one.events.map(({ type, object }) => ({ type, object })))
  for (const one of heard) expect(one).toEqual(heard[0])
  return heard[0] ?? []
}

describe.each<[string, string, () => Promise<unknown>, string[]]>([
  ['a creation', '', () => create('a'), ['ADDED a']],
  ['an update', '', () => create('a').then(() => label('a', { x: '1' })), ['ADDED a', 'MODIFIED a']],
  ['a deletion', '', () => create('a').then(() => remove('a')), ['ADDED a', 'DELETED a']],
  ['an update that changes nothing', '', () => create('a', { x: '1' }).then(() => label('a', { x: '1' })), ['ADDED a']],
  ['what never matches', '&labelSelector=app%3Dx', () => create('a', { app: 'y' }).then(() => remove('a')), []],
  ['what comes to match', '&labelSelector=app%3Dx', () => create('a').then(() => label('a', { app: 'x' })), ['ADDED a']],
  [
    'what ceases to match',
    '&labelSelector=app%3Dx',
    () => create('a', { app: 'x' }).then(() => label('a', { app: 'y' })),
    ['ADDED a', 'DELETED a'],
  ],
  [
    'what matches again',
    '&labelSelector=app%3Dx',
    async () => {
      await create('a', { app: 'x' })
      for (const labels of [{ app: 'y' }, { app: 'x' }, { more: '1' }]) await label('a', labels)
      await remove('a')
    },
    ['ADDED a', 'DELETED a', 'ADDED a', 'MODIFIED a', 'DELETED a'],
  ],
])('%s', (_what, query, act, story) => {
  it('is told alike, live and from the log, with revisions that only grow', async () => {
    const from = now()
    const live = await watch(`${tasks}?watch=1&resourceVersion=${from}${query}`)
    await act()
    const late = await watch(`${tasks}?watch=1&resourceVersion=${from}${query}`)
    const last = () => create('last', { app: 'x' })
    const events = await expectStory(live, [...story, 'ADDED last'], last)
    expect(await expectStory(late, [...story, 'ADDED last'])).toEqual(events)
    const revisions = events.map(({ object }) => Number(object.metadata.resourceVersion))
    expect(revisions).toEqual([...new Set(revisions)].sort((x, y) => x - y))
    expect(revisions.at(-1)).toBe(cluster.store.revision)
  })
})

describe('where a watch begins', () => {
  const withEnd = '&allowWatchBookmarks=true'
  const asked = '&resourceVersionMatch=NotOlderThan&sendInitialEvents='
  it.each([
    // Neither asked for nor forbidden: the state only where no revision is named.
    ...['', '&resourceVersion=0'].flatMap((version) => [
      [version, ['ADDED a', 'ADDED b']],
      [version + withEnd, ['ADDED a', 'ADDED b']],
    ]),
    ['&resourceVersion=OLD', ['ADDED b', 'ADDED a']],
    ['&resourceVersion=NOW', []],
    // Asked for: the state from everywhere, and its end where bookmarks are allowed.
    ...['', '&resourceVersion=0', '&resourceVersion=OLD', '&resourceVersion=NOW'].flatMap((version) => [
      [`${version}${asked}true`, ['ADDED a', 'ADDED b']],
      [`${version}${asked}true${withEnd}`, ['ADDED a', 'ADDED b', 'BOOKMARK']],
    ]),
    // Forbidden: only changes, those since the revision included.
    ...['', '&resourceVersion=0', '&resourceVersion=NOW'].flatMap((version) => [
      [`${version}${asked}false`, []],
      [`${version}${asked}false${withEnd}`, []],
    ]),
    [`&resourceVersion=OLD${asked}false`, ['ADDED b', 'ADDED a']],
    [`&resourceVersion=OLD${asked}false${withEnd}`, ['ADDED b', 'ADDED a']],
  ] as [string, string[]][])('with %s is %j', async (query, story) => {
    const old = now()
    await create('b')
    await create('a')
    const state = cluster.store.revision
    const watches = await watch(`${tasks}?watch=1${query.replace('OLD', old).replace('NOW', now())}`)
    const events = await expectStory(watches, [...story, 'ADDED last'], () => create('last'))
    const end = events.find(({ type }) => type === 'BOOKMARK')
    if (end) expect(end.object.metadata).toEqual({ resourceVersion: String(state), annotations: { 'k8s.io/initial-events-end': 'true' } })
  })

  it('is the state and its end for a single name too', async () => {
    for (const name of ['a', 'b']) await create(name)
    const watches = await watch(`${tasks}?watch=1&fieldSelector=metadata.name%3Db${asked}true${withEnd}`)
    await create('c')
    await expectStory(watches, ['ADDED b', 'BOOKMARK', 'MODIFIED b'], () => label('b', { x: '1' }))
  })

  it('is the current state after a compaction too, and 410 from before it', async () => {
    const old = now()
    await create('a')
    await label('a', { x: '1' })
    await compact()
    await expectStory(await watch(`${tasks}?watch=1&resourceVersion=0`), ['ADDED a', 'MODIFIED a'], () => label('a', { x: '2' }))
    for (const dressing of dressings)
      expect(await refusedWatch(cluster.url, `${tasks}?watch=1&resourceVersion=${old}`, dressing)).toMatchObject({
        kind: 'Status',
        code: 410,
        reason: 'Expired',
        message: expect.stringMatching(/^too old resource version: \d+ \(\d+\)$/),
      })
  })

  it('keeps the order when others write while the state is told', async () => {
    for (let index = 0; index < 200; index += 1) await create(`t${index}`)
    const writes = Promise.all(Array.from({ length: 50 }, (_, index) => label(`t${index}`, { round: '1' })))
    const watches = await watch(`${tasks}?watch=1${asked}true${withEnd}`)
    await writes
    await remove('t0')
    for (const one of watches) {
      const isOver = () => one.story.at(-1) === 'DELETED t0'
      for (let seen = 0; !isOver(); seen = one.events.length) await one.count(seen + 1)
      const end = one.story.indexOf('BOOKMARK')
      expect(new Set(one.story.slice(0, end)).size).toBe(200)
      expect(one.story.slice(0, end).every((line) => line.startsWith('ADDED'))).toBe(true)
      const later = one.events.slice(end).map(({ object }) => Number(object.metadata.resourceVersion))
      expect(later).toEqual([...later].sort((x, y) => x - y))
      const newest = new Map(one.events.map(({ object }) => [object.metadata.name, object.metadata.labels?.round]))
      expect([...newest].filter(([, round]) => round === '1')).toHaveLength(50)
    }
  })
})

describe('whom a watch hears of', () => {
  const all = ['ADDED one/a', 'ADDED one/b', 'ADDED two/a', 'ADDED two/b']
  const of = (...names: string[]) => names.map((name) => `ADDED ${name}`)
  const one = tasksOf('one')
  const nodes = '/api/v1/nodes'
  const rows: [string, string, string[]][] = [
    [everywhere, '', all],
    [everywhere, 'metadata.name=a', of('one/a', 'two/a')],
    [everywhere, 'metadata.name!=a', of('one/b', 'two/b')],
    [everywhere, 'metadata.namespace=one', of('one/a', 'one/b')],
    [everywhere, 'metadata.namespace!=one', of('two/a', 'two/b')],
    [everywhere, 'metadata.namespace=one,metadata.name=b', of('one/b')],
    [everywhere, 'spec.nodeName=n1', of('one/a', 'two/a')],
    [everywhere, 'spec.nodeName=n1,metadata.namespace=two', of('two/a')],
    [everywhere, 'spec.nodeName!=n1', of('one/b', 'two/b')],
    [everywhere, 'spec.nodeName=', []],
    [one, '', of('one/a', 'one/b')],
    [one, 'metadata.name=a', of('one/a')],
    [one, 'metadata.namespace=one', of('one/a', 'one/b')],
    [one, 'metadata.namespace=two', []],
    [one, 'spec.nodeName=n2', of('one/b')],
    [one, 'spec.nodeName=n2,metadata.name=a', []],
    [tasksOf('on'), '', []],
    [`${one}/a`, '', of('one/a')],
    [`${one}/a`, 'metadata.name=a', of('one/a')],
    [`${one}/a`, 'metadata.name=b', []],
    [`${one}/a`, 'spec.nodeName=n2', []],
    [nodes, '', of('n1', 'n2')],
    [nodes, 'metadata.name=n1', of('n1')],
    [nodes, 'metadata.name!=n1', of('n2')],
    [nodes, 'metadata.namespace=', of('n1', 'n2')],
    [nodes, 'metadata.namespace=one', []],
    [nodes, 'spec.unschedulable=true', of('n2')],
    [`${nodes}/n2`, '', of('n2')],
  ]
  const heard = new Map<string, readonly DressedWatch[]>()
  const place = ({ metadata }: Json) => (metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`)

  // All rows watch the same creations at once, and each hears until the server ends it.
  beforeAll(async () => {
    cluster = await testCluster()
    for (const [path, selector] of rows)
      heard.set(path + selector, await watch(`${path}?watch=1&resourceVersion=${now()}&fieldSelector=${encodeURIComponent(selector)}`))
    const labels = { [securityLabel]: 'privileged' }
    for (const name of ['one', 'two']) await send(cluster, 'POST', '/api/v1/namespaces', { body: { metadata: { name, labels } } })
    for (const [name, spec] of Object.entries({ n1: {}, n2: { unschedulable: true } }))
      await send(cluster, 'POST', nodes, { body: { metadata: { name }, spec } })
    for (const namespace of ['one', 'two'])
      for (const [name, nodeName] of Object.entries({ a: 'n1', b: 'n2' }))
        expect((await send(cluster, 'POST', tasksOf(namespace), { body: aTask(name, { nodeName }) })).text).toContain('"nodeName"')
    await cluster.server.stop()
    await Promise.all([...heard.values()].flat().map((watch) => watch.endedWell()))
    await cluster.close()
  })

  it.each(rows)('by %s with %s: %j', (path, selector, expected) => {
    const watches = heard.get(path + selector) ?? []
    expect(watches.map(({ events }) => events.map(({ type, object }) => `${type} ${place(object)}`))).toEqual(dressings.map(() => expected))
  })
})

describe('the end of a watch', () => {
  it('comes after timeoutSeconds, with a bookmark for who allows them', async () => {
    const silent = await watch(`${tasks}?watch=1&timeoutSeconds=1&resourceVersion=${now()}`)
    const marked = await watch(`${tasks}?watch=1&timeoutSeconds=1&resourceVersion=${now()}&allowWatchBookmarks=true`)
    await Promise.all([...silent, ...marked].map((one) => one.endedWell()))
    await expectStory(silent, [])
    const [mark] = await expectStory(marked, ['BOOKMARK'])
    expect(mark.object.metadata).toEqual({ resourceVersion: now() })
  })

  it('comes with an ERROR when its user is nobody any more', async () => {
    const watches = await watch(`${tasks}?watch=1`, { Authorization: 'Bearer system:scheduler' })
    cluster.revoke('system:scheduler')
    await cluster.clock.advance(60_000)
    await Promise.all(watches.map((one) => one.endedWell()))
    const [error] = await expectStory(watches, ['ERROR'])
    expect(error.object).toMatchObject({ kind: 'Status', code: 401, reason: 'Unauthorized' })
  })

  it('is noticed when the client leaves', async () => {
    const watches = await watch(`${tasks}?watch=1`)
    expect(openWatches(await metrics())).toBe(3)
    for (const one of watches) one.close()
    for (let left = 3; left > 0; ) left = openWatches(await metrics())
    await create('a')
  })

  it('does not come to a client that pauses for a while: it misses nothing', async () => {
    const watches = await watch(`${tasks}?watch=1&resourceVersion=${now()}`)
    for (const one of watches) one.pause()
    for (let index = 0; index < 30; index += 1) await create(`t${index}`)
    for (const one of watches) one.resume()
    await expectStory(
      watches,
      Array.from({ length: 30 }, (_, index) => `ADDED t${index}`),
    )
  })
})

it('a WebSocket shows rows of a table to who asks for them, as chunked JSON does', async () => {
  const path = `${tasks}?watch=1&resourceVersion=${now()}`
  const watches = await Promise.all(
    (['chunked JSON', 'WebSocket'] as const).map((dressing) => openDressed(cluster.url, path, dressing, { Accept: tableAccept })),
  )
  open.push(...watches)
  await create('a')
  for (const one of watches) {
    await one.count(1)
    expect(one.events).toMatchObject([{ type: 'ADDED', object: { kind: 'Table', rows: [{ cells: expect.arrayContaining(['a']) }] } }])
  }
})

it('bookmarks come to who allows them alone, at revisions whose events have been told', async () => {
  const allowed = await watch(`${tasks}?watch=1&allowWatchBookmarks=true&resourceVersion=${now()}`)
  const plain = await watch(`${tasks}?watch=1&resourceVersion=${now()}`)
  await create('a')
  await cluster.clock.advance(60_000)
  const [, mark] = await expectStory(allowed, ['ADDED a', 'BOOKMARK', 'ADDED b'], () => create('b'))
  expect(Number(mark.object.metadata.resourceVersion)).toBe(cluster.store.revision - 1)
  await expectStory(plain, ['ADDED a', 'ADDED b'])
})

describe('a watch is refused before it begins, with a Status,', () => {
  it.each([
    ['resourceVersion=abc', 400],
    ['timeoutSeconds=soon', 400],
    ['labelSelector=%2C%2C', 400],
    ['fieldSelector=spec.command%3Dx', 400],
    ['sendInitialEvents=true', 422],
    ['resourceVersionMatch=NotOlderThan', 422],
    ['resourceVersion=99999999', 410],
  ])('for %s with %i', async (query, code) => {
    const refusals = await Promise.all(dressings.map((dressing) => refusedWatch(cluster.url, `${tasks}?watch=1&${query}`, dressing)))
    for (const refusal of refusals) expect(refusal).toMatchObject({ kind: 'Status', status: 'Failure', code })
    for (const refusal of refusals) expect(refusal).toEqual(refusals[0])
  })

  it('for who may not watch with 403', async () => {
    for (const dressing of dressings)
      expect(await refusedWatch(cluster.url, `${tasks}?watch=1`, dressing, { Authorization: 'Bearer nobody' })).toMatchObject({ code: 403 })
  })
})

const metrics = async () => (await send(cluster, 'GET', '/metrics')).text
const openWatches = (text: string) => Number(/^millrace_watches (\d+)$/m.exec(text)?.[1])
