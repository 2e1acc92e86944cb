/** Rows 4 to 6: how soon a watcher hears of a write, how many deliveries a second, and what an idle watch costs. */
import { type ApiServer, startApiServer } from '../../processes/api-server.js'
import { type Connection, openConnection } from '../../processes/connection.js'
import { taskBody } from '../../processes/objects.js'
import { figuresOf } from '../../processes/process-figures.js'
import {
  type Bench,
  drive,
  interleave,
  type Measurement,
  median,
  openMany,
  pace,
  percentile,
  type Row,
  sleep,
  spreadOf,
} from '../measure.js'
import { startBroadcaster } from '../peers/broadcaster.js'
import { connectEtcd, type Etcd, type EtcdClient, startEtcd } from '../peers/etcd.js'
import type { PeerProcess } from '../peers/peer-process.js'
import { openWatcher, type Watcher } from '../watcher.js'

const tasks = '/apis/millrace.dev/v1/namespaces/default/tasks'
const watchPath = `${tasks}?watch=true`
const writesPerSecond = 500
const durationMs = 2_000
const writers = 64

export const watches: Row = {
  rows: [4, 5, 6],
  name: 'watches',
  async run(bench) {
    const server = await startApiServer(bench)
    const broadcaster = await startBroadcaster(bench, server.directory)
    const measurements = [await idleWatches(server, broadcaster), ...(await deliveryTimes(bench, server, broadcaster))]
    const etcd = await startEtcd(bench)
    for (const watchers of [100, 1_000]) measurements.push(...(await fanOut(bench, server, watchers === 100 ? etcd : undefined, watchers)))
    return measurements
  },
}

async function idleWatches(server: ApiServer, broadcaster: PeerProcess): Promise<Measurement> {
  const idle = 1_000
  const asker = await openConnection(server.target)
  const revision = await currentRevision(asker)
  const perStream = async (process: { residentBytes(): number }, open: () => Promise<Watcher>) => {
    const before = process.residentBytes()
    const opened = await openMany(idle, open)
    const bytes = (process.residentBytes() - before) / idle
    for (const watcher of opened) watcher.close()
    return bytes / 1024
  }
  const ours = await perStream(server, () => openWatcher(server.target, watchPath, revision))
  const bare = await perStream(broadcaster, () => openWatcher(broadcaster.target, '/'))
  asker.close()
  return {
    row: 6,
    what: 'memory per idle watch, TLS, 1,000 open',
    unit: 'KiB',
    ours,
    peer: { name: 'bare open response', value: bare },
    goal: '≤ 1.5 ×, floor 72',
    reached: ours <= 1.5 * bare && ours <= 72,
  }
}

async function deliveryTimes(bench: Bench, server: ApiServer, broadcaster: PeerProcess): Promise<Measurement[]> {
  const lanes = await openMany(8, () => openConnection(server.target))
  const bareLanes = await openMany(8, () => openConnection(broadcaster.target))
  let serial = 0
  const nextName = () => String(serial++)
  const runs = await interleave(bench.rounds, {
    ours: async () => {
      const from = await currentRevision(lanes[0] as Connection)
      return delays(
        (onName) => openWatcher(server.target, watchPath, from, onName),
        (lane, name) => post(lanes[lane] as Connection, tasks, taskBody(name)),
        nextName,
      )
    },
    bare: () =>
      delays(
        (onName) => openWatcher(broadcaster.target, '/', undefined, onName),
        (lane, name) => post(bareLanes[lane] as Connection, '/', taskBody(name)),
        nextName,
      ),
  })
  for (const lane of [...lanes, ...bareLanes]) lane.close()
  const p = (name: 'ours' | 'bare', percent: number) => median(runs[name].map((run) => percentile(run.delaysMs, percent)))
  const rate = Math.round(median(runs.ours.map((run) => run.perSecond)))
  const what = (percent: number) => `write sent to callback p${percent}, 100 watchers, ${rate} writes/s (the commit included)`
  return [
    {
      row: 4,
      what: what(50),
      unit: 'ms',
      ours: p('ours', 50),
      peer: { name: 'bare broadcaster, no commit', value: p('bare', 50) },
      goal: 'floor 5 ms',
      reached: p('ours', 50) <= 5,
    },
    {
      row: 4,
      what: what(99),
      unit: 'ms',
      ours: p('ours', 99),
      peer: { name: 'bare broadcaster, no commit', value: p('bare', 99) },
      goal: '≤ 2 ×, floor 25 ms',
      reached: p('ours', 99) <= 2 * p('bare', 99),
    },
  ]
}

/** Writes at a steady rate; for each write and watcher, how long after the write was sent the watcher had its event. */
async function delays(
  open: (onName: (name: string) => void) => Promise<Watcher>,
  write: (lane: number, name: string) => Promise<void>,
  nextName: () => string,
): Promise<{ delaysMs: number[]; perSecond: number }> {
  const sentAt = new Map<string, number>()
  const delaysMs: number[] = []
  const onName = (name: string) => {
    const sent = sentAt.get(name)
    if (sent !== undefined) delaysMs.push(performance.now() - sent)
  }
  const watchers = await openMany(100, () => open(onName))
  const writeOne = async (lane: number) => {
    const name = nextName()
    sentAt.set(name, performance.now())
    await write(lane, `watched-${name}`)
  }
  const perSecond = await pace(writesPerSecond, 8, writeOne, (sequence) => sequence >= (writesPerSecond * durationMs) / 1000)
  await sleep(500)
  for (const watcher of watchers) watcher.close()
  return { delaysMs, perSecond }
}

async function fanOut(bench: Bench, server: ApiServer, etcd: Etcd | undefined, watcherCount: number): Promise<Measurement[]> {
  const lanes = await openMany(writers, () => openConnection(server.target))
  const etcdWriter = etcd ? await connectEtcd(etcd.url) : undefined
  let serial = 0
  const prefix = `fan${watcherCount}`
  const runs = await interleave(bench.rounds, {
    ours: async () => {
      const from = await currentRevision(lanes[0] as Connection)
      const watchers = await openMany(watcherCount, () => openWatcher(server.target, watchPath, from))
      const cpu = server.cpuMs()
      const start = performance.now()
      const { latenciesMs } = await drive(writers, durationMs, (lane) =>
        post(lanes[lane] as Connection, tasks, taskBody(`${prefix}-${serial++}`)),
      )
      const seconds = (performance.now() - start) / 1000
      const deliveries = watchers.reduce((total, watcher) => total + watcher.events, 0)
      const resumptions = watchers.reduce((total, watcher) => total + watcher.resumptions, 0)
      const cpuUs = ((server.cpuMs() - cpu) * 1000) / Math.max(1, deliveries)
      for (const watcher of watchers) watcher.close()
      bench.say(
        `${watcherCount} watchers: ${latenciesMs.length} writes, ${deliveries} deliveries, ${resumptions} streams fell behind and resumed`,
      )
      return { perSecond: deliveries / seconds, cpuUs }
    },
    etcd: async () => (etcd && etcdWriter ? etcdDeliveries(etcd, etcdWriter, watcherCount) : undefined),
  })
  etcdWriter?.close()
  for (const lane of lanes) lane.close()
  const rates = runs.ours.map((run) => run.perSecond)
  const rate = median(rates)
  const cpu = median(runs.ours.map((run) => run.cpuUs))
  const etcdRuns = runs.etcd.filter((found) => found !== undefined)
  const peer = (figure: 'perSecond' | 'cpuUs') =>
    etcdRuns.length > 0 ? { name: 'etcd, plain', value: median(etcdRuns.map((run) => run[figure])) } : undefined
  const etcdRate = peer('perSecond')
  return [
    {
      row: 5,
      what: `deliveries to ${watcherCount} watchers while 64 clients write, TLS`,
      unit: '/s',
      ours: rate,
      spread: spreadOf(rates),
      peer: etcdRate,
      goal: etcdRate ? '≥ 8 × etcd, floor 120,000' : 'floor 120,000',
      reached: etcdRate ? rate >= 8 * etcdRate.value : rate >= 120_000,
    },
    {
      row: 5,
      what: `CPU of the server per delivery, ${watcherCount} watchers (the writes included)`,
      unit: 'µs',
      ours: cpu,
      peer: peer('cpuUs'),
      goal: '≤ 6.5',
      reached: cpu <= 6.5,
    },
  ]
}

async function etcdDeliveries(etcd: Etcd, writer: EtcdClient, watcherCount: number) {
  const value = taskBody('etcd')
  let deliveries = 0
  const clients = await openMany(watcherCount, () => connectEtcd(etcd.url))
  await Promise.all(
    clients.map((client) =>
      client.watchPrefix('/bench/', (events) => {
        deliveries += events
      }),
    ),
  )
  const { cpuMs } = figuresOf(etcd.pid)
  const cpu = cpuMs()
  const start = performance.now()
  await drive(writers, durationMs, (_lane, sequence) => writer.put(`/bench/${sequence}`, value))
  const perSecond = (deliveries / (performance.now() - start)) * 1000
  const cpuUs = ((cpuMs() - cpu) * 1000) / Math.max(1, deliveries)
  for (const client of clients) client.close()
  return { perSecond, cpuUs }
}

async function post(connection: Connection, path: string, body: Buffer): Promise<void> {
  const answer = await connection.request('POST', path, body)
  if (answer.status !== 201) throw new Error(`the write answered ${answer.status}: ${answer.body.toString('utf8', 0, 300)}`)
}

async function currentRevision(connection: Connection): Promise<string> {
  const { body } = await connection.request('GET', `${tasks}?limit=1`)
  return /"resourceVersion":"(\d+)"/.exec(body.toString('utf8', 0, 2_000))?.[1] ?? '0'
}
