import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type TestCluster, testCluster } from '../../../lib/testing/test-cluster.js'
import { aTask, type Json, send, tableAccept, tasks, tasksOf } from '../fixtures/requests.js'

let cluster: TestCluster
beforeEach(async () => {
  cluster = await testCluster({ limits: { freshnessWaitMs: 50 } })
})
afterEach(() => cluster.close())

const create = (name: string, labels: object = {}, namespace = 'default') =>
  send(cluster, 'POST', tasksOf(namespace), { body: aTask(name, {}, { labels }) })
const list = (query: string, path = tasks) => send(cluster, 'GET', `${path}?${query}`)
const names = (answer: { json: Json }): string[] => answer.json.items.map((item: Json) => item.metadata.name)
const now = () => cluster.store.revision

/** Follows the pages; returns their names and what each said of what remains. */
async function pages(query: string, between: (page: number) => Promise<unknown> = async () => undefined) {
  const found: string[][] = []
  const remaining: unknown[] = []
  const revisions = new Set<string>()
  for (let token: string | undefined = ''; token !== undefined; ) {
    const answer = await list(`${query}${token === '' ? '' : `&continue=${token}`}`)
    expect(answer.code).toBe(200)
    found.push(names(answer))
    remaining.push(answer.json.metadata.remainingItemCount)
    revisions.add(answer.json.metadata.resourceVersion)
    token = answer.json.metadata.continue
    await between(found.length)
  }
  return { found, remaining, revisions: [...revisions] }
}

describe('a list', () => {
  it('is sorted, has the revision of the store, and never null items', async () => {
    expect((await list('')).json).toEqual({
      kind: 'TaskList',
      apiVersion: 'millrace.dev/v1',
      metadata: { resourceVersion: String(now()) },
      items: [],
    })
    for (const name of ['c', 'a', 'b']) await create(name)
    const answer = await list('')
    expect(names(answer)).toEqual(['a', 'b', 'c'])
    expect(answer.json.metadata.resourceVersion).toBe(String(now()))
    expect(answer.json.items[0]).toMatchObject({ apiVersion: 'millrace.dev/v1', kind: 'Task' })
  })

  it('keeps to its namespace, however alike the names are', async () => {
    for (const name of ['ns', 'ns-1']) await send(cluster, 'POST', '/api/v1/namespaces', { body: { metadata: { name } } })
    await create('a', {}, 'ns')
    await create('b', {}, 'ns-1')
    expect(names(await list('', tasksOf('ns')))).toEqual(['a'])
    expect(names(await list('', '/apis/millrace.dev/v1/tasks'))).toEqual(['a', 'b'])
  })

  it.each([
    ['labelSelector=app%3Dx', ['a', 'c']],
    ['labelSelector=app%21%3Dx', ['b', 'd']],
    ['labelSelector=app+in+(x,y),!gone', ['a', 'b']],
    ['labelSelector=app', ['a', 'b', 'c']],
    ['labelSelector=!app', ['d']],
    ['fieldSelector=metadata.name%3Db', ['b']],
    ['fieldSelector=metadata.name%21%3Db,metadata.namespace%3Ddefault', ['a', 'c', 'd']],
    ['fieldSelector=metadata.namespace%3Delsewhere', []],
    ['fieldSelector=status.phase%3DPending', ['a', 'b', 'c', 'd']],
    ['fieldSelector=spec.nodeName%3D', ['a', 'b', 'c', 'd']],
    ['fieldSelector=spec.nodeName%3Dn1', []],
  ])('with %s has %j', async (query, expected) => {
    await create('a', { app: 'x' })
    await create('b', { app: 'y' })
    await create('c', { app: 'x', gone: 'yes' })
    await create('d')
    expect(names(await list(query))).toEqual(expected)
  })

  it.each([
    ['fieldSelector=spec.command%3Dx', 400, 'field label not supported: spec.command'],
    ['fieldSelector=broken', 400, ''],
    ['labelSelector=a%3D%3D%3Db', 400, ''],
    ['limit=-1', 400, 'limit'],
    ['limit=ten', 400, 'limit'],
    ['continue=zzz', 400, 'continue key is not valid'],
    ['resourceVersion=new', 400, 'resourceVersion'],
    ['resourceVersion=3&continue=TOKEN', 400, 'not allowed when using continue'],
    ['resourceVersionMatch=Exact', 422, 'resourceVersionMatch is forbidden unless resourceVersion is provided'],
    ['resourceVersionMatch=Exact&resourceVersion=0', 422, 'forbidden for resourceVersion'],
    ['resourceVersionMatch=Roughly&resourceVersion=3', 422, 'Unsupported value'],
    ['resourceVersionMatch=NotOlderThan&continue=TOKEN', 422, 'forbidden when continue is provided'],
    ['sendInitialEvents=true', 422, 'sendInitialEvents is forbidden for list'],
  ])('with %s is refused with %i', async (query, code, message) => {
    for (const name of ['a', 'b']) await create(name)
    const token = (await list('limit=1')).json.metadata.continue
    const answer = await list(query.replace('TOKEN', token))
    expect(answer.json).toMatchObject({ kind: 'Status', status: 'Failure', code, message: expect.stringContaining(message) })
    expect(answer.code).toBe(code)
  })
})

describe('pages', () => {
  it('show one revision, whatever is written meanwhile, and count what remains', async () => {
    for (let index = 0; index < 7; index += 1) await create(`t${index}`)
    const { found, remaining, revisions } = await pages('limit=3', async (page) => {
      await create(`later${page}`)
      await send(cluster, 'DELETE', `${tasks}/t${page + 4}`)
    })
    expect(found).toEqual([['t0', 't1', 't2'], ['t3', 't4', 't5'], ['t6']])
    expect(remaining).toEqual([4, 1, undefined])
    expect(revisions).toHaveLength(1)
  })

  it('are filled across what a selector skips, and then count nothing', async () => {
    for (let index = 0; index < 9; index += 1) await create(`t${index}`, { odd: index % 2 === 1 ? 'yes' : 'no' })
    const { found, remaining } = await pages('limit=2&labelSelector=odd%3Dno', () =>
      create(`between${Math.random().toString(36).slice(2)}`),
    )
    expect(found).toEqual([['t0', 't2'], ['t4', 't6'], ['t8']])
    expect(remaining).toEqual([undefined, undefined, undefined])
  })

  it('end exactly where the objects do', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await create(name)
    expect((await pages('limit=2')).found).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ])
    expect((await pages('limit=4')).found).toEqual([['a', 'b', 'c', 'd']])
  })

  it('that are too old answer 410 with a token that goes on at the newest revision', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await create(name)
    const first = await list('limit=2')
    await create('cc')
    await cluster.store.compact(now())
    const late = await list(`limit=2&continue=${first.json.metadata.continue}`)
    expect(late).toMatchObject({ code: 410, json: { reason: 'Expired' } })
    const rest = await list(`limit=10&continue=${late.json.metadata.continue}`)
    expect(names(rest)).toEqual(['c', 'cc', 'd'])
    expect(rest.json.metadata.resourceVersion).toBe(String(now()))
  })
})

describe('the revision that is asked for', () => {
  it('is shown exactly, at every write of the past, until it is compacted', async () => {
    const states: [number, string[]][] = [[now(), []]]
    for (const name of ['a', 'b', 'c']) {
      await create(name)
      states.push([now(), [...(states.at(-1)?.[1] ?? []), name]])
    }
    await send(cluster, 'DELETE', `${tasks}/b`)
    states.push([now(), ['a', 'c']])
    for (const [revision, expected] of states) {
      const answer = await list(`resourceVersion=${revision}&resourceVersionMatch=Exact`)
      expect([answer.json.metadata.resourceVersion, names(answer)]).toEqual([String(revision), expected])
      expect(names(await list(`resourceVersion=${revision}&limit=10`))).toEqual(expected)
    }
    await cluster.store.compact(now())
    expect(await list(`resourceVersion=${states[1]?.[0]}&resourceVersionMatch=Exact`)).toMatchObject({
      code: 410,
      json: { reason: 'Expired' },
    })
  })

  it.each(['resourceVersion=0', 'resourceVersion=2', 'resourceVersion=2&resourceVersionMatch=NotOlderThan'])(
    '%s is any that is new enough',
    async (query) => {
      await create('a')
      const answer = await list(query)
      expect([answer.json.metadata.resourceVersion, names(answer)]).toEqual([String(now()), ['a']])
    },
  )

  it('is waited for a moment, and then told to be too large', async () => {
    const answer = await list('resourceVersion=99999&resourceVersionMatch=NotOlderThan')
    expect(answer).toMatchObject({
      code: 504,
      json: { reason: 'Timeout', details: { causes: [{ reason: 'ResourceVersionTooLarge' }], retryAfterSeconds: 1 } },
    })
    expect(answer.json.message).toBe(`Too large resource version: 99999, current: ${now()}`)
  })
})

describe('other shapes of a list', () => {
  it('are tables, page by page, with the columns of the kind', async () => {
    for (const name of ['a', 'b']) await create(name)
    await cluster.clock.advance(192_000)
    const answer = await send(cluster, 'GET', `${tasks}?limit=1`, { headers: { Accept: tableAccept } })
    expect(answer.json).toMatchObject({ kind: 'Table', metadata: { resourceVersion: String(now()), remainingItemCount: 1 } })
    expect(answer.json.metadata.continue).toBeTruthy()
    const [row] = answer.json.rows
    expect(row.cells).toHaveLength(answer.json.columnDefinitions.length)
    expect(answer.json.columnDefinitions[0]).toMatchObject({ name: 'Name', format: 'name' })
    const age = answer.json.columnDefinitions.findIndex(({ name }: Json) => name === 'Age')
    expect(row.cells[age]).toBe('3m12s')
    expect(row.object).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'a', namespace: 'default' } })
  })

  it.each([
    ['None', null],
    ['Metadata', expect.objectContaining({ kind: 'PartialObjectMetadata' })],
    ['Object', expect.objectContaining({ kind: 'Task', spec: expect.anything() })],
  ])('carry with includeObject=%s what was asked', async (includeObject, expected) => {
    await create('a')
    const answer = await send(cluster, 'GET', `${tasks}?includeObject=${includeObject}`, { headers: { Accept: tableAccept } })
    expect(answer.json.rows[0].object).toEqual(expected)
  })

  it('are metadata alone', async () => {
    await create('a')
    const answer = await send(cluster, 'GET', tasks, {
      headers: { Accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1' },
    })
    expect(answer.json).toMatchObject({ kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' })
    expect(Object.keys(answer.json.items[0]).sort()).toEqual(['apiVersion', 'kind', 'metadata'])
  })

  it.each([
    ['a Vps that runs', 'vpses', 'Running', 'Terminating'],
    ['a Task that runs', 'tasks', 'Running', 'Terminating'],
    ['a Task that has ended', 'tasks', 'Succeeded', 'Succeeded'],
  ])('show %s, and is being deleted, as clients know it of Pods', async (_what, plural, phase, shown) => {
    const path = tasks.replace('tasks', plural)
    const spec = plural === 'vpses' ? { image: 'debian' } : { command: ['true'] }
    await send(cluster, 'POST', path, { body: { metadata: { name: 'a', finalizers: ['example.com/held'] }, spec } })
    await send(cluster, 'PATCH', `${path}/a/status`, { body: { status: { phase } } })
    const cell = async () => (await send(cluster, 'GET', path, { headers: { Accept: tableAccept } })).json.rows[0].cells[1]
    expect(await cell()).toBe(phase)
    await send(cluster, 'DELETE', `${path}/a`)
    expect(await cell()).toBe(shown)
  })

  it('show nodes and events in cells that people know', async () => {
    await send(cluster, 'POST', '/api/v1/nodes', {
      body: { metadata: { name: 'n1', labels: { 'node-role.kubernetes.io/edge': '' } }, spec: { unschedulable: true } },
    })
    const row = async (path: string) => (await send(cluster, 'GET', path, { headers: { Accept: tableAccept } })).json.rows[0].cells
    expect((await row('/api/v1/nodes')).slice(0, 3)).toEqual(['n1', 'Unknown,SchedulingDisabled', 'edge'])
    await send(cluster, 'PATCH', '/api/v1/nodes/n1/status', {
      body: { status: { conditions: [{ type: 'Ready', status: 'True', reason: 'x' }] } },
    })
    expect((await row('/api/v1/nodes'))[1]).toBe('Ready,SchedulingDisabled')
    await send(cluster, 'POST', '/api/v1/namespaces/default/events', {
      body: {
        metadata: { name: 'e' },
        involvedObject: { kind: 'Task', namespace: 'default', name: 'a' },
        type: 'Normal',
        reason: 'Started',
        message: 'm',
        count: 4,
        firstTimestamp: '2026-01-01T00:00:00Z',
        lastTimestamp: '2026-01-01T00:01:00Z',
      },
    })
    await cluster.clock.advance(120_000)
    expect(await row('/api/v1/namespaces/default/events')).toEqual(['60s (x4 over 2m)', 'Normal', 'Started', 'task/a', 'm', 'e'])
  })

  it('are compressed where they are large and the client takes it', async () => {
    const note = { note: 'x'.repeat(100_000) }
    for (let index = 0; index < 12; index += 1) await send(cluster, 'POST', tasks, { body: aTask(`t${index}`, {}, { annotations: note }) })
    const packed = await send(cluster, 'GET', tasks, { headers: { 'Accept-Encoding': 'gzip' } })
    const plain = await send(cluster, 'GET', tasks, { headers: { 'Accept-Encoding': 'identity' } })
    const small = await send(cluster, 'GET', `${tasks}?limit=1`, { headers: { 'Accept-Encoding': 'gzip' } })
    expect([packed, plain, small].map(({ headers }) => headers.get('content-encoding'))).toEqual(['gzip', null, null])
    expect(plain.text.length).toBeGreaterThan(1_200_000)
    expect(packed.text).toBe(plain.text)
  })
})
