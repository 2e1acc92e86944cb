/** Rows 7, 8, 12, 13, 16, 17 and 19: what a cluster does with 100,000 objects in it. */
import { statSync } from 'node:fs'
import path from 'node:path'
import { type ApiServer, startApiServer } from '../../processes/api-server.js'
import { type Connection, openConnection } from '../../processes/connection.js'
import { taskBody } from '../../processes/objects.js'
import { type Bench, drive, interleave, type Measurement, median, openMany, type Row } from '../measure.js'
import { readAllRows } from '../peers/raw-select.js'
import { expectStatus, listWhole, pages, relist, selectFew } from './lists.js'

const clients = 64
const nodes = 1_000
const resident = 100_000
const tasksOf = (namespace: string) => `/apis/millrace.dev/v1/namespaces/${namespace}/tasks`

export const residentObjects: Row = {
  rows: [7, 8, 12, 13, 16, 17, 19],
  name: '100,000 resident objects',
  async run(bench) {
    const server = await startApiServer(bench)
    const lanes = await openMany(clients, () => openConnection(server.target))
    const [first] = lanes as [Connection]
    const create = (object: { kind: string; metadata: object }, plural: string) =>
      expectStatus(first, 'POST', `/api/v1/${plural}`, 201, Buffer.from(JSON.stringify({ apiVersion: 'v1', ...object })))
    const labels = { 'millrace.dev/security': 'privileged' }
    for (const name of ['small', 'large']) await create({ kind: 'Namespace', metadata: { name, labels } }, 'namespaces')
    for (let node = 0; node < nodes; node++) await create({ kind: 'Node', metadata: { name: `n${node}` } }, 'nodes')

    const few = await createCost(bench, server, lanes, 'few')
    bench.say('10,000 objects')
    await fill(lanes, 'small', 10_000)
    const measurements = await listWhole(bench, server, 'small')
    bench.say('100,000 objects')
    await fill(lanes, 'large', resident - 10_000)
    measurements.push(await memory(server, first), ...(await selectFew(bench, server)))
    const many = await createCost(bench, server, lanes, 'many')
    measurements.push(
      ...(await pages(bench, server)),
      ...(await relist(bench, server, nodes)),
      {
        row: 19,
        what: 'creates/s with 100,000 resident objects',
        unit: '/s',
        ours: many.perSecond,
        peer: { name: 'with 1,000', value: few.perSecond },
        goal: '≥ 0.8 ×',
        reached: many.perSecond >= 0.8 * few.perSecond,
      },
      {
        row: 19,
        what: 'CPU of the server per create with 100,000 resident objects',
        unit: 'µs',
        ours: many.cpuUs,
        peer: { name: 'with 1,000', value: few.cpuUs },
        goal: '≤ 1.2 ×',
        reached: many.cpuUs <= 1.2 * few.cpuUs,
      },
    )
    for (const lane of lanes) lane.close()
    measurements.push(...(await startTime(bench, server)))
    return measurements
  },
}

async function fill(lanes: readonly Connection[], namespace: string, count: number): Promise<void> {
  let next = 0
  await Promise.all(
    lanes.map(async (lane) => {
      for (let index = next++; index < count; index = next++) {
        const labels: Record<string, string> = index % 1_000 === 0 ? { rare: 'yes' } : {}
        const body = taskBody(`t${index}`, { labels, spec: { nodeName: `n${index % nodes}` } })
        await expectStatus(lane, 'POST', tasksOf(namespace), 201, body)
      }
    }),
  )
}

/** The same number of creates in each round, so that the cluster has as many objects whatever the machine's mood. */
async function createCost(bench: Bench, server: ApiServer, lanes: readonly Connection[], prefix: string) {
  let serial = 0
  const create = async (lane: number) =>
    void (await expectStatus(lanes[lane] as Connection, 'POST', tasksOf('default'), 201, taskBody(`${prefix}-${serial++}`)))
  const creates = (count: number) => {
    const last = serial + count
    return drive(clients, 60_000, create, () => serial >= last)
  }
  await creates(2_000)
  const { ours } = await interleave(bench.rounds, {
    ours: async () => {
      const before = server.cpuMs()
      const { perSecond, latenciesMs } = await creates(2_000)
      return { perSecond, cpuUs: ((server.cpuMs() - before) * 1000) / latenciesMs.length }
    },
  })
  return { perSecond: median(ours.map((run) => run.perSecond)), cpuUs: median(ours.map((run) => run.cpuUs)) }
}

async function memory(server: ApiServer, connection: Connection): Promise<Measurement> {
  const ours = server.residentBytes() / 2 ** 20
  const list = await expectStatus(connection, 'GET', '/apis/millrace.dev/v1/tasks', 200)
  const json = list.length / 2 ** 20
  return {
    row: 12,
    what: 'resident memory after filling with 100,000 objects and a few',
    unit: 'MiB',
    ours,
    peer: { name: 'their JSON', value: json },
    goal: '≤ 2.2 ×, floor 420 MB',
    reached: ours <= 2.2 * json,
  }
}

async function startTime(bench: Bench, server: ApiServer): Promise<Measurement[]> {
  await server.stop()
  const database = path.join(server.directory, 'apiserver', 'millrace.db')
  bench.say(`database of ${(statSync(database).size / 1e6).toFixed(0)} MB`)
  const runs = await interleave(bench.rounds, {
    raw: () => readAllRows(database),
    ours: async () => {
      const before = performance.now()
      const again = await startApiServer(bench, { directory: server.directory })
      const startMs = performance.now() - before
      const startCpuMs = again.cpuMs()
      const residentMiB = again.residentBytes() / 2 ** 20
      await again.stop()
      return { startMs, startCpuMs, residentMiB }
    },
  })
  const [ours, raw] = [median(runs.ours.map((run) => run.startMs)), median(runs.raw)]
  return [
    {
      row: 13,
      what: 'start with 100,000 objects, from spawn to ready',
      unit: 'ms',
      ours,
      peer: { name: 'a SELECT of all rows, from spawn', value: raw },
      goal: '≤ 1.5 ×, floor 2,500',
      reached: ours <= 1.5 * raw,
    },
    {
      row: 13,
      what: 'CPU of that start',
      unit: 'ms',
      ours: median(runs.ours.map((run) => run.startCpuMs)),
      goal: '',
    },
    {
      row: 12,
      what: 'resident memory after a start with 100,000 objects',
      unit: 'MiB',
      ours: median(runs.ours.map((run) => run.residentMiB)),
      goal: 'floor 420 MB',
    },
  ]
}
