/**
 * Fifty evictions at once over a budget of three, with the API server killed while they are answered: the log has exactly three, each in
 * one transaction with what it took from the budget, and nobody was told of one that is not there.
 */
import path from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { openSqliteStore } from '../../apiserver/storage/open-sqlite-store.js'
import type { Change } from '../../apiserver/storage/store.js'
import { disruptionOf } from '../../lib/api/disruption.js'
import type { PodDisruptionBudget } from '../../lib/api/kinds/pod-disruption-budget.js'
import { systemClock } from '../../lib/base/clock.js'
import { type ApiServer, startApiServer } from '../processes/api-server.js'
import { type Connection, openConnection } from '../processes/connection.js'
import { freePort } from '../processes/free-port.js'
import { createOwner } from '../processes/owner.js'

const owner = createOwner('evictions')
afterAll(() => owner.end())

const tasks = '/apis/millrace.dev/v1/namespaces/default/tasks'
const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets'
const names = Array.from({ length: 50 }, (_, n) => `t${n}`)
const allowed = 3

const json = (value: object) => Buffer.from(JSON.stringify(value))
const holds = (type: string) => ({ type, status: 'True', reason: 'Started' })

/** As the agents and the controller would have left it. */
async function prepare(connection: Connection): Promise<void> {
  const create = async (at: string, body: object) => expect((await connection.request('POST', at, json(body))).status).toBe(201)
  const setStatus = async (at: string, status: object) => {
    const { status: code } = await connection.request('PATCH', `${at}/status`, json({ status }), '', 'application/merge-patch+json')
    expect(code).toBe(200)
  }
  for (const name of names) {
    await create(tasks, { metadata: { name, labels: { app: 'web' } }, spec: { image: 'busybox', nodeName: 'n1' } })
    await setStatus(`${tasks}/${name}`, { phase: 'Running', conditions: [holds('Running'), holds('Ready')] })
  }
  await create(budgets, { metadata: { name: 'web' }, spec: { minAvailable: 47, selector: { matchLabels: { app: 'web' } } } })
  const counts = { currentHealthy: 50, desiredHealthy: 47, expectedPods: 50 }
  await setStatus(`${budgets}/web`, { observedGeneration: 1, disruptionsAllowed: allowed, ...counts })
}

/** Evicts all at once; `onAnswer` hears of each answer. 0: none came. */
async function evictAll(server: ApiServer, onAnswer: () => void): Promise<number[]> {
  const connections = await Promise.all(names.map(() => openConnection(server.target)))
  const evict = async (connection: Connection | undefined, name: string) => {
    const body = json({ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } })
    const answer = await connection?.request('POST', `${tasks}/${name}/eviction`, body).catch(() => undefined)
    onAnswer()
    return answer?.status ?? 0
  }
  const codes = await Promise.all(names.map((name, at) => evict(connections[at], name)))
  for (const connection of connections) connection.close()
  return codes
}

it('never take more than the budget has, whoever asks, and whatever happens meanwhile', { timeout: 180_000 }, async () => {
  const port = await freePort()
  const directory = path.join(owner.directory, 'cluster')
  let server = await startApiServer(owner, { directory, port })
  const connection = await openConnection(server.target)
  await prepare(connection)
  connection.close()

  let ending: Promise<unknown> | undefined
  const first = await evictAll(server, () => {
    ending ??= server.stop('SIGKILL')
  })
  await ending
  server = await startApiServer(owner, { directory, port })
  const second = await evictAll(server, () => {})
  await server.stop('SIGKILL')

  const store = await openSqliteStore({ directory: path.join(directory, 'apiserver'), clock: systemClock, policyOf: () => undefined })
  const changesOf = (group: string, resource: string) => store.changesSince({ group, resource, after: store.compactRevision })
  const evicted = (await changesOf('millrace.dev', 'tasks')).filter(({ object }) => disruptionOf(contentOf(object) as object))
  const spent = (await changesOf('policy', 'poddisruptionbudgets'))
    .map((change) => ({ revision: change.revision, status: (contentOf(change.object) as PodDisruptionBudget).status }))
    .filter(({ status }) => status?.disruptedPods !== undefined)
  await store.close()

  expect(evicted).toHaveLength(allowed)
  expect(spent.map(({ status }) => status?.disruptionsAllowed)).toEqual([2, 1, 0])
  expect(spent.map(({ revision }) => revision)).toEqual(evicted.map(({ revision }) => revision + 1))
  expect(Object.keys(spent.at(-1)?.status?.disruptedPods ?? {}).sort()).toEqual(evicted.map(({ object }) => object.key.name).sort())
  const gone = new Set(evicted.map(({ object }) => object.key.name))
  for (const codes of [first, second])
    for (const [at, name] of names.entries())
      expect([name, codes[at]]).toEqual([name, expect.toBeOneOf(gone.has(name) ? [201, 0] : [429, 0])])
  expect(second).not.toContain(0)
})

const contentOf = ({ bytes }: Change['object']): unknown => JSON.parse(bytes.toString())
