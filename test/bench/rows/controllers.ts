/**
 * Row 21: a controller with 1,000 parents of ten children each: how soon they are
 * there, and what the API server is asked meanwhile and afterwards.
 */
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { definitionOf } from '../../../lib/api/custom-kinds/definition-of.js'
import type { Kind } from '../../../lib/api/define-kind.js'
import { type ApiServer, startApiServer } from '../../processes/api-server.js'
import { type Connection, openConnection } from '../../processes/connection.js'
import { figuresOf } from '../../processes/process-figures.js'
import { type Bench, drive, interleave, median, openMany, type Row, sleep, spreadOf, until } from '../measure.js'
import { Pool } from '../pools/pool.js'
import { expectStatus } from './lists.js'

const parents = 1_000
const children = 10
const lanes = 16
const steadyMs = 10_000
const patienceMs = 300_000
const pools = '/apis/bench.example.com/v1/namespaces/default/pools'
const configMaps = '/api/v1/namespaces/default/configmaps'

export const controllers: Row = {
  rows: [21],
  name: 'a controller',
  async run(bench) {
    const { ours, bare } = await interleave(bench.rounds, { ours: () => settlePools(bench), bare: () => writeBare(bench) })
    const of = (pick: (run: (typeof ours)[number]) => number) => ours.map(pick)
    const settled = of((run) => run.settledSeconds)
    return [
      {
        row: 21,
        what: '1,000 parents with 10 children each, first child to last status',
        unit: 's',
        ours: median(settled),
        spread: spreadOf(settled),
        peer: { name: 'the same writes, bare, 16 in flight', value: median(bare) },
        goal: '',
      },
      { row: 21, what: 'requests for that', unit: 'per parent', ours: median(of((run) => run.requests)) / parents, goal: '' },
      {
        row: 21,
        what: 'requests in 10 s of rest',
        unit: '',
        ours: median(of((run) => run.atRest)),
        goal: '0',
        reached: of((run) => run.atRest).every((count) => count === 0),
      },
      { row: 21, what: 'one more child for each parent', unit: 'requests per change', ours: median(of((run) => run.perChange)), goal: '' },
      {
        row: 21,
        what: 'passes that change nothing, a label on each parent',
        unit: '/s',
        ours: median(of((run) => run.passesPerSecond)),
        goal: '',
      },
      { row: 21, what: 'CPU of the controller per child made', unit: 'µs', ours: median(of((run) => run.cpuPerChildUs)), goal: '' },
    ]
  },
}

async function settlePools(bench: Bench) {
  const server = await startApiServer(bench)
  const connections = await openMany(lanes, () => openConnection(server.target))
  const [first] = connections as [Connection]
  await makePools(connections)
  const before = await requestsOf(first)
  const program = startPools(bench, server)
  const count = async (resource: string) => (await requestsOf(first)).get(resource) ?? 0
  await until('the first child', patienceMs, async () => (await count('configmaps')) > 0, 2)
  const start = performance.now()
  const cpuBefore = program.cpuMs()
  await until('all children', patienceMs, async () => (await settledPools(first, children)) === parents, 50)
  const settledSeconds = (performance.now() - start) / 1000
  const cpuPerChildUs = ((program.cpuMs() - cpuBefore) * 1000) / (parents * children)
  await sleep(1_000)
  const made = await requestsOf(first)
  await sleep(steadyMs)
  const rested = await requestsOf(first)

  await patchPools(connections, { spec: { size: children + 1 } })
  await until('one more child', patienceMs, async () => (await settledPools(first, children + 1)) === parents, 50)
  await sleep(1_000)
  const changed = await requestsOf(first)

  const passesBefore = await program.passes()
  const labelling = performance.now()
  await patchPools(connections, { metadata: { labels: { round: 'two' } } })
  await until('a pass over each', patienceMs, async () => (await program.passes()) - passesBefore >= parents, 10)
  const passesPerSecond = parents / ((performance.now() - labelling) / 1000)
  await program.stop()
  for (const connection of connections) connection.close()
  await server.stop()
  return {
    settledSeconds,
    cpuPerChildUs,
    requests: sum(made) - sum(before),
    atRest: sum(rested) - sum(made),
    // The bench's own patches are requests, too.
    perChange: (sum(changed) - sum(rested) - parents) / parents,
    passesPerSecond,
  }
}

/** What the controller has to write, by a client that only writes. */
async function writeBare(bench: Bench): Promise<number> {
  const server = await startApiServer(bench)
  const connections = await openMany(lanes, () => openConnection(server.target))
  await makePools(connections)
  const start = performance.now()
  await inLanes(connections, parents * children, async (connection, index) => {
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `c${index}` }, data: { slot: String(index % children) } }
    await expectStatus(connection, 'POST', configMaps, 201, Buffer.from(JSON.stringify(body)))
  })
  await patchPools(connections, { status: { ready: children } }, '/status')
  const seconds = (performance.now() - start) / 1000
  for (const connection of connections) connection.close()
  await server.stop()
  return seconds
}

function startPools(bench: Bench, server: ApiServer) {
  const log = path.join(server.directory, 'pools.log')
  const output = openSync(log, 'a', 0o600)
  const script = path.resolve(import.meta.dirname, '../pools/main.ts')
  const port = 20_000 + (process.pid % 10_000)
  const args = ['--import', 'tsx', script, bench.build, '--kubeconfig', server.kubeconfig, '--metrics-port', String(port)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', output, output] })
  closeSync(output)
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const stop = async () => {
    child.kill()
    await ended
  }
  bench.defer(stop)
  if (child.pid === undefined) throw new Error('the controller did not start')
  const passes = async () => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    return [...text.matchAll(/^millrace_reconcile_total\{.*\} (\d+)$/gm)].reduce((total, match) => total + Number(match[1]), 0)
  }
  return { ...figuresOf(child.pid), stop, passes }
}

async function makePools(connections: readonly Connection[]): Promise<void> {
  const [first] = connections as [Connection]
  const definition = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', ...definitionOf(Pool as unknown as Kind) }
  await expectStatus(first, 'POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', 201, Buffer.from(JSON.stringify(definition)))
  await until('the kind', patienceMs, async () => (await first.request('GET', pools)).status === 200)
  await inLanes(connections, parents, async (connection, index) => {
    const body = { apiVersion: Pool.apiVersion, kind: Pool.kind, metadata: { name: `p${index}` }, spec: { size: children } }
    await expectStatus(connection, 'POST', pools, 201, Buffer.from(JSON.stringify(body)))
  })
}

async function patchPools(connections: readonly Connection[], patch: object, subresource = ''): Promise<void> {
  const body = Buffer.from(JSON.stringify(patch))
  await inLanes(connections, parents, async (connection, index) => {
    const answer = await connection.request('PATCH', `${pools}/p${index}${subresource}`, body, '', 'application/merge-patch+json')
    if (answer.status !== 200) throw new Error(`a patch of p${index} answered ${answer.status}: ${answer.body.toString('utf8', 0, 300)}`)
  })
}

async function settledPools(connection: Connection, size: number): Promise<number> {
  const list = (await connection.request('GET', pools)).body.toString()
  return list.split(`"status":{"ready":${size}}`).length - 1
}

/** Requests that were answered so far, by resource; only those that a controller of Pools makes, and writes alone: the bench reads. */
async function requestsOf(connection: Connection): Promise<Map<string, number>> {
  const text = (await connection.request('GET', '/metrics')).body.toString()
  const counts = new Map<string, number>()
  for (const [, verb, resource = '', count] of text.matchAll(
    /^millrace_requests_total\{verb="(\w+)",resource="([^"]+)",code="\d+"\} (\d+)$/gm,
  )) {
    const name = resource.split('.')[0]?.split('/')[0] ?? ''
    if (verb === 'list' || verb === 'watch' || (name !== 'configmaps' && name !== 'pools' && name !== 'events')) continue
    counts.set(name, (counts.get(name) ?? 0) + Number(count))
  }
  return counts
}

const sum = (counts: ReadonlyMap<string, number>) => [...counts.values()].reduce((total, count) => total + count, 0)

async function inLanes(
  connections: readonly Connection[],
  count: number,
  work: (connection: Connection, index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  await drive(
    connections.length,
    Number.POSITIVE_INFINITY,
    async (lane) => {
      const index = next++
      const connection = connections[lane]
      if (connection && index < count) await work(connection, index)
    },
    () => next >= count,
  )
}
