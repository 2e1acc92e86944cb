/** Row 9: how many Tasks a second the scheduler puts on 1,000 nodes that no agent stands behind. */
import path from 'node:path'
import { startApiServer } from '../../processes/api-server.js'
import { type Connection, openConnection } from '../../processes/connection.js'
import { taskBody } from '../../processes/objects.js'
import { startProgram } from '../../processes/program.js'
import { type Bench, interleave, median, openMany, type Row, spreadOf, until } from '../measure.js'
import { openWatcher } from '../watcher.js'
import { expectStatus } from './lists.js'

const clients = 64
const nodes = 1_000
const waiting = 10_000
const patienceMs = 120_000
const tasksOf = (namespace: string) => `/apis/millrace.dev/v1/namespaces/${namespace}/tasks`

export const scheduling: Row = {
  rows: [9],
  name: 'the scheduler',
  async run(bench) {
    let round = 0
    const { ours } = await interleave(bench.rounds, { ours: () => scheduleAll(bench, round++) })
    const binds = ours.map((run) => run.bindsPerSecond)
    const creates = median(ours.map((run) => run.createsPerSecond))
    return [
      {
        row: 9,
        what: 'binds, 1,000 nodes, 10,000 Tasks waiting, in bulk',
        unit: '/s',
        ours: median(binds),
        spread: spreadOf(binds),
        peer: { name: 'creates, 64 clients', value: creates },
        goal: '≥ 2 × creates, floor 2,000',
        reached: median(binds) >= 2 * creates,
      },
      {
        row: 9,
        what: 'CPU of the scheduler per bind',
        unit: 'µs',
        ours: median(ours.map((run) => run.schedulerCpuUs)),
        goal: '',
      },
      {
        row: 9,
        what: 'CPU of the API server per bind',
        unit: 'µs',
        ours: median(ours.map((run) => run.serverCpuUs)),
        goal: '',
      },
    ]
  },
}

/** A new cluster whose Tasks wait before the scheduler starts, so that creating them is no part of the time. */
async function scheduleAll(bench: Bench, round: number) {
  const server = await startApiServer(bench)
  const lanes = await openMany(clients, () => openConnection(server.target))
  const [first] = lanes as [Connection]
  await makeNodes(lanes)
  const createsPerSecond = await makeTasks(lanes)
  const from = /"resourceVersion":"(\d+)"/.exec((await expectStatus(first, 'GET', `${tasksOf('default')}?limit=1`, 200)).toString())?.[1]
  const bound = await openWatcher(server.target, `${tasksOf('default')}?watch=true`, from)
  const serverCpu = server.cpuMs()
  const log = path.join(server.directory, 'scheduler.log')
  const scheduler = startProgram(bench, 'scheduler/main.js', ['--kubeconfig', path.join(server.directory, 'scheduler.kubeconfig')], log)
  const hasBound = (count: number) => {
    if (scheduler.hasEnded) throw new Error(`the scheduler ended; see ${log}`)
    return bound.events >= count
  }
  await until('the first bind', patienceMs, () => hasBound(1), 1)
  const start = performance.now()
  const schedulerCpu = scheduler.cpuMs()
  const early = bound.events
  await until('all binds', patienceMs, () => hasBound(waiting), 5)
  const seconds = (performance.now() - start) / 1000
  const binds = waiting - early
  const figures = {
    createsPerSecond,
    bindsPerSecond: binds / seconds,
    schedulerCpuUs: ((scheduler.cpuMs() - schedulerCpu) * 1000) / binds,
    serverCpuUs: ((server.cpuMs() - serverCpu) * 1000) / waiting,
  }
  bench.say(`round ${round + 1}: ${early} bound at the first look, the other ${binds} in ${seconds.toFixed(2)} s`)
  await assertAllBound(first)
  bound.close()
  for (const lane of lanes) lane.close()
  await scheduler.stop()
  await server.stop()
  return figures
}

async function assertAllBound(connection: Connection): Promise<void> {
  const list = await expectStatus(connection, 'GET', `${tasksOf('default')}?fieldSelector=spec.nodeName%3D`, 200)
  const unbound = (JSON.parse(list.toString()) as { items: unknown[] }).items.length
  if (unbound > 0) throw new Error(`${unbound} Tasks are not bound`)
}

async function makeNodes(lanes: readonly Connection[]): Promise<void> {
  const status = {
    allocatable: { cpu: '16', memory: '64Gi' },
    conditions: [{ type: 'Ready', status: 'True', reason: 'AgentReady', message: '', lastTransitionTime: new Date().toISOString() }],
    backends: [{ name: 'process', available: true, isolation: 'user' }],
  }
  await inLanes(lanes, nodes, async (lane, index) => {
    const name = `n${index}`
    const node = Buffer.from(JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata: { name } }))
    await expectStatus(lane, 'POST', '/api/v1/nodes', 201, node)
    const patch = Buffer.from(JSON.stringify({ status }))
    const { status: code, body } = await lane.request(
      'PATCH',
      `/api/v1/nodes/${name}/status`,
      patch,
      'content-type: application/merge-patch+json\r\n',
    )
    if (code !== 200) throw new Error(`the status of a node answered ${code}: ${body.toString('utf8', 0, 300)}`)
  })
}

async function makeTasks(lanes: readonly Connection[]): Promise<number> {
  const start = performance.now()
  await inLanes(
    lanes,
    waiting,
    async (lane, index) => void (await expectStatus(lane, 'POST', tasksOf('default'), 201, taskBody(`t${index}`))),
  )
  return (waiting / (performance.now() - start)) * 1000
}

async function inLanes(
  lanes: readonly Connection[],
  count: number,
  work: (lane: Connection, index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  await Promise.all(
    lanes.map(async (lane) => {
      for (let index = next++; index < count; index = next++) await work(lane, index)
    }),
  )
}
