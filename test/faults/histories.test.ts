/**
 * Histories of clients that create, change, delete, read and list a few objects at once, over TLS, while the server is
 * killed: an order of the operations explains every answer; a list is the state at its revision; the watch tells every write
 * once, in order. The long form: 1,000 histories of 500 operations.
 */
import path from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { type ApiServer, startApiServer } from '../processes/api-server.js'
import { type Connection, openConnection } from '../processes/connection.js'
import { freePort } from '../processes/free-port.js'
import { createOwner } from '../processes/owner.js'
import { type Action, type Answer, isLinearizable, type Operation, type Version } from './linearizability.js'
import { type RecordedEvent, recordWatch } from './recorded-watch.js'

const long = process.env.MILLRACE_TEST_LONG !== undefined
const [histories, operations, killEvery] = long ? [1_000, 500, 2] : [20, 200, 7]
const clients = 6
const keys = ['a', 'b', 'c']
const configMaps = '/api/v1/namespaces/default/configmaps'

interface Recorded extends Operation {
  readonly key: string
  /** Of a write that was acknowledged. */
  readonly revision?: number | undefined
}

interface RecordedList {
  readonly callMs: number
  readonly returnMs: number
  readonly revision: number
  readonly versions: ReadonlyMap<string, Version>
}

type Choice = { readonly key: string; readonly type: Action['type'] | 'guarded' | 'list' }

/** Draws are the same in each short run. */
const draw = (seed: number) => {
  const weights = { read: 3, update: 2, guarded: 4, patch: 2, create: 3, delete: 2, list: 1 }
  const type = fc.oneof(...Object.entries(weights).map(([name, weight]) => ({ weight, arbitrary: fc.constant(name as Choice['type']) })))
  return fc.sample(fc.record({ key: fc.constantFrom(...keys), type }), { seed: long ? Date.now() + seed : seed, numRuns: operations })
}

const owner = createOwner('histories')
afterAll(() => owner.end())

describe('histories', () => {
  it(`${histories} of ${operations} operations are linearizable`, { timeout: long ? 5_400_000 : 400_000 }, async () => {
    const port = await freePort()
    const directory = path.join(owner.directory, 'cluster')
    let server: ApiServer = await startApiServer(owner, { directory, port })
    let unanswered = 0
    for (let history = 0; history < histories; history++) {
      const choices = draw(history)
      const recorded: Recorded[] = []
      const lists: RecordedList[] = []
      const watch = recordWatch(() => server.target, configMaps, await markRevision(server, `begin-${history}`))
      const total = () => recorded.length + lists.length
      const lane = async (client: number) => {
        const memory = new Map<string, { version: string; revision: string }>()
        let connection = await reconnect(() => server)
        for (let sequence = 0, choice = choices.shift(); choice; choice = choices.shift(), sequence++) {
          const key = `h${history}-${choice.key}`
          try {
            if (choice.type === 'list') lists.push(await list(connection, `h${history}-`))
            else recorded.push(await operate(connection, { key, type: choice.type }, `${history}.${client}.${sequence}`, memory))
          } catch (error) {
            if (error instanceof Unanswered) recorded.push(error.operation)
            connection = await reconnect(() => server)
          }
        }
        connection.close()
      }
      const running = Promise.all(Array.from({ length: clients }, (_unused, client) => lane(client)))
      if (history % killEvery === killEvery - 1) {
        const until = Math.floor(operations / 2)
        while (total() < until) await new Promise((resolve) => setTimeout(resolve, 1))
        await server.stop('SIGKILL')
        server = await startApiServer(owner, { directory, port })
      }
      await running
      const events = (await watch.upTo(await markRevision(server, `end-${history}`))).filter(({ name }) => name.startsWith(`h${history}-`))
      unanswered += recorded.filter(({ answer }) => answer === 'unknown').length
      for (const key of keys) {
        const own = recorded.filter((operation) => operation.key === `h${history}-${key}`)
        if (!isLinearizable(own))
          throw new Error(`history ${history}, key ${key} is illegal:\n${own.map((line) => JSON.stringify(line)).join('\n')}`)
      }
      expectTold(recorded, events)
      expectSnapshots(lists, events)
      expectRealTime([...recorded.filter(({ revision }) => revision !== undefined), ...lists] as readonly Stamped[])
    }
    expect(unanswered).toBeGreaterThan(0)
    await server.stop()
  })
})

class Unanswered extends Error {
  constructor(readonly operation: Recorded) {
    super('no answer came')
  }
}

async function reconnect(server: () => ApiServer): Promise<Connection> {
  for (;;) {
    try {
      return await openConnection(server().target)
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

/** A write of its own, at whose revision a history begins or ends. */
async function markRevision(server: ApiServer, name: string): Promise<number> {
  const connection = await openConnection(server.target)
  const body = Buffer.from(JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } }))
  const answer = await connection.request('POST', configMaps, body)
  connection.close()
  return Number((JSON.parse(answer.body.toString()) as Stored).metadata.resourceVersion)
}

interface Stored {
  readonly metadata: { readonly name: string; readonly resourceVersion: string }
  readonly data?: { readonly write: string; readonly patch?: string }
}
const versionOf = (data: Readonly<Record<string, string>> | undefined): Version =>
  data?.write === undefined ? undefined : { write: data.write, patch: data.patch }

/** One operation and its answer. A guarded write is guarded by what this client saw last. */
async function operate(
  connection: Connection,
  { key, type }: { key: string; type: Exclude<Choice['type'], 'list'> },
  write: string,
  memory: Map<string, { version: string; revision: string }>,
): Promise<Recorded> {
  const seen = memory.get(key)
  const action: Action =
    type === 'guarded'
      ? { type: 'update', write, expected: seen?.version ?? 'never written' }
      : type === 'read' || type === 'delete'
        ? { type }
        : { type, write }
  const where = `${configMaps}/${key}`
  const resourceVersion = type === 'guarded' ? { resourceVersion: seen?.revision ?? '1' } : {}
  const full = Buffer.from(
    JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: key, ...resourceVersion }, data: { write } }),
  )
  const callMs = performance.now()
  const record = (answer: Answer, revision?: number): Recorded => ({
    key,
    callMs,
    returnMs: answer === 'unknown' ? Number.POSITIVE_INFINITY : performance.now(),
    action,
    answer,
    revision,
  })
  const send = () => {
    if (action.type === 'read') return connection.request('GET', where)
    if (action.type === 'delete') return connection.request('DELETE', where)
    if (action.type === 'create') return connection.request('POST', configMaps, full)
    if (action.type === 'update') return connection.request('PUT', where, full)
    return connection.request(
      'PATCH',
      where,
      Buffer.from(JSON.stringify({ data: { write, patch: write } })),
      '',
      'application/merge-patch+json',
    )
  }
  const { status, body } = await send().catch(() => {
    throw new Unanswered(record('unknown'))
  })
  const text = body.toString()
  if (status === 404) return record(action.type === 'read' ? { read: undefined } : 'absent')
  if (status === 409) return record(action.type === 'create' ? 'exists' : 'conflict')
  if (status >= 500) return record('unknown')
  if (status !== 200 && status !== 201) throw new Error(`${type} was answered ${status}: ${text}`)
  if (action.type === 'delete') return record('done')
  const stored = JSON.parse(text) as Stored
  const version = versionOf(stored.data)
  memory.set(key, { version: version?.write ?? '', revision: stored.metadata.resourceVersion })
  if (action.type === 'read') return record({ read: version })
  expect(version).toEqual({ write, patch: action.type === 'patch' ? write : undefined })
  return record('done', Number(stored.metadata.resourceVersion))
}

async function list(connection: Connection, prefix: string): Promise<RecordedList> {
  const callMs = performance.now()
  const { status, body } = await connection.request('GET', configMaps)
  const returnMs = performance.now()
  expect(status).toBe(200)
  const { metadata, items } = JSON.parse(body.toString()) as { metadata: { resourceVersion: string }; items: Stored[] }
  const own = items.filter(({ metadata: { name } }) => name.startsWith(prefix))
  return {
    callMs,
    returnMs,
    revision: Number(metadata.resourceVersion),
    versions: new Map(own.map((item) => [item.metadata.name, versionOf(item.data)])),
  }
}

/** The watch tells each acknowledged write once, under its revision, and no refused one; what went unanswered once or not at all. */
function expectTold(recorded: readonly Recorded[], events: readonly RecordedEvent[]): void {
  const told = new Map<string, number>()
  for (const { type, data, revision } of events) {
    if (type === 'DELETED' || data?.write === undefined) continue
    expect(told.has(data.write)).toBe(false)
    told.set(data.write, revision)
  }
  for (const { action, answer, revision } of recorded) {
    if (!('write' in action) || answer === 'unknown') continue
    expect({ ...action, revision: told.get(action.write) }).toEqual({ ...action, revision })
  }
  const revisions = events.map(({ revision }) => revision)
  expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b))
}

/** A list is the state that the watch has told up to the list's revision. */
function expectSnapshots(lists: readonly RecordedList[], events: readonly RecordedEvent[]): void {
  for (const { revision, versions } of lists) {
    const state = new Map<string, Version>()
    for (const event of events) {
      if (event.revision > revision) break
      if (event.type === 'DELETED') state.delete(event.name)
      else state.set(event.name, versionOf(event.data))
    }
    expect(Object.fromEntries(versions)).toEqual(Object.fromEntries(state))
  }
}

type Stamped = Pick<RecordedList, 'callMs' | 'returnMs' | 'revision'>

/** What began after another ended has no lower revision. */
function expectRealTime(stamped: readonly Stamped[]): void {
  const ended = [...stamped].sort((a, b) => a.returnMs - b.returnMs)
  let newest = 0
  let index = 0
  for (const { callMs, revision } of [...stamped].sort((a, b) => a.callMs - b.callMs)) {
    for (; (ended[index]?.returnMs ?? Number.POSITIVE_INFINITY) < callMs; index++) newest = Math.max(newest, ended[index]?.revision ?? 0)
    expect(revision).toBeGreaterThanOrEqual(newest)
  }
}
