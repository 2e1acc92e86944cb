/** Rows 1 to 3: durable creates, alone and with 64 clients, against etcd, a JSON echo and the bare database. */
import path from 'node:path'
import { type ApiServer, startApiServer } from '../../processes/api-server.js'
import { type Connection, openConnection } from '../../processes/connection.js'
import { taskBody } from '../../processes/objects.js'
import { drive, interleave, type Measurement, median, percentile, type Row, spreadOf } from '../measure.js'
import { connectEtcd, startEtcd } from '../peers/etcd.js'
import { startEcho } from '../peers/json-echo.js'
import { openSingleCommits } from '../peers/single-commits.js'

const durationMs = 2_000
const clients = 64
const tasks = '/apis/millrace.dev/v1/namespaces/default/tasks'

export const creates: Row = {
  rows: [1, 2, 3],
  name: 'durable creates',
  async run(bench) {
    const server = await startApiServer(bench)
    const lanes = await Promise.all(Array.from({ length: clients }, () => openConnection(server.target)))
    const echo = await startEcho(bench, server.directory)
    const echoLanes = await Promise.all(Array.from({ length: clients }, () => openConnection(echo.target)))
    const etcd = await startEtcd(bench)
    const etcdClient = etcd ? await connectEtcd(etcd.url) : undefined
    const commits = await openSingleCommits(path.join(bench.directory, 'single-commits.db'))
    bench.defer(() => commits.close())
    const value = taskBody('etcd')
    let serial = 0

    const create = async (connection: Connection) => {
      const { status, body } = await connection.request('POST', tasks, taskBody(`t${serial++}`))
      if (status !== 201) throw new Error(`create answered ${status}: ${body.toString('utf8', 0, 300)}`)
    }
    await drive(clients, 4_000, (lane) => create(lanes[lane] as Connection))

    const results = await interleave(bench.rounds, {
      ours: () => withCpu(server, () => drive(clients, durationMs, (lane) => create(lanes[lane] as Connection))),
      echo: () => drive(clients, durationMs, async (lane) => void (await (echoLanes[lane] as Connection).request('POST', '/', value))),
      etcd: async () =>
        etcdClient ? drive(clients, durationMs, (_lane, sequence) => etcdClient.put(`/bench/${sequence}`, value)) : undefined,
      oursAlone: () => drive(1, durationMs, () => create(lanes[0] as Connection)),
      commitsAlone: () => drive(1, durationMs, (_lane, sequence) => commits.commit(sequence, value)),
    })
    const rate = results.ours.map((result) => result.perSecond)
    const echoRate = median(results.echo.map((result) => result.perSecond))
    const etcdRuns = results.etcd.filter((result) => result !== undefined)
    const etcdRate = median(etcdRuns.map((result) => result.perSecond))
    const p = (runs: readonly { latenciesMs: number[] }[], percent: number) =>
      median(runs.map((run) => percentile(run.latenciesMs, percent)))
    const alone = p(results.oursAlone, 50)
    const commit = p(results.commitsAlone, 50)
    const p99 = p(results.ours, 99)
    const etcdP99 = p(etcdRuns, 99)
    const measurements: Measurement[] = [
      {
        row: 1,
        what: 'creates, 64 clients',
        unit: '/s',
        ours: median(rate),
        spread: spreadOf(rate),
        peer: { name: 'JSON echo over TLS', value: echoRate },
        goal: '≥ 0.75 × echo, floor 3,500',
        reached: median(rate) >= 0.75 * echoRate,
      },
      {
        row: 1,
        what: 'CPU of the server per create',
        unit: 'µs',
        ours: median(results.ours.map((result) => result.cpuUsPerOperation)),
        goal: '',
      },
      {
        row: 2,
        what: 'create latency p50, 1 client',
        unit: 'ms',
        ours: alone,
        peer: { name: 'SQLite single commit p50', value: commit },
        goal: '≤ 2 × + 0.5 ms',
        reached: alone <= 2 * commit + 0.5,
      },
      {
        row: 2,
        what: 'create latency p99, 1 client',
        unit: 'ms',
        ours: p(results.oursAlone, 99),
        goal: 'floor 15 ms',
        reached: p(results.oursAlone, 99) <= 15,
      },
      {
        row: 3,
        what: 'create latency p50, 64 clients',
        unit: 'ms',
        ours: p(results.ours, 50),
        goal: 'floor 25 ms',
        reached: p(results.ours, 50) <= 25,
      },
      {
        row: 3,
        what: 'create latency p99, 64 clients',
        unit: 'ms',
        ours: p99,
        ...(etcd ? { peer: { name: 'etcd put p99', value: etcdP99 } } : {}),
        goal: '≤ 0.5 × etcd',
        reached: etcd ? p99 <= 0.5 * etcdP99 : p99 <= 80,
      },
    ]
    if (etcd)
      measurements.unshift({
        row: 1,
        what: 'creates, 64 clients',
        unit: '/s',
        ours: median(rate),
        peer: { name: 'etcd put', value: etcdRate },
        goal: '≥ 3 × etcd',
        reached: median(rate) >= 3 * etcdRate,
      })
    return measurements
  },
}

async function withCpu<T extends { latenciesMs: number[] }>(
  server: ApiServer,
  run: () => Promise<T>,
): Promise<T & { cpuUsPerOperation: number }> {
  const before = server.cpuMs()
  const result = await run()
  return { ...result, cpuUsPerOperation: ((server.cpuMs() - before) * 1000) / result.latenciesMs.length }
}
