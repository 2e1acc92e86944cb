/**
 * Row 10: from the POST of a Task to its container running, against Docker's own create and start; once off all networks, and once on the
 * bridge of a node, beside the engine's own bridge, and a network that a user makes on it. Left out where there is no dockerd.
 */
import { accessSync, constants, readFileSync } from 'node:fs'
import path from 'node:path'
import Docker from 'dockerode'
import { createClient } from '../../../lib/client/create-client.js'
import { loadKubeconfig } from '../../../lib/client/kubeconfig/load-kubeconfig.js'
import { startTestEngine } from '../../../nodeagent/backends/docker/fixtures/test-engine.js'
import { startCluster } from '../../processes/cluster.js'
import { networkBed } from '../../processes/network-bed.js'
import { figuresOf } from '../../processes/process-figures.js'
import { type Bench, type Measurement, median, percentile, type Row } from '../measure.js'
import { compareStarts, type Starts } from './container-starts.js'

export const containers: Row = {
  rows: [10],
  name: 'containers',
  async run(bench) {
    if (!isInstalled('dockerd')) {
      bench.say('there is no dockerd: left out')
      return []
    }
    const measured = reportAlone(await offNetworks(bench))
    if (process.getuid?.() === 0) return [...measured, ...reportBridged(await onBridge(bench))]
    bench.say('only root can make a bridge: left out')
    return measured
  },
}

async function offNetworks(bench: Bench): Promise<Starts> {
  const engine = await startTestEngine()
  bench.defer(() => engine.close())
  const docker = new Docker({ socketPath: engine.socketPath })
  const cluster = await startCluster(bench, { backends: 'docker', env: { DOCKER_HOST: `unix://${engine.socketPath}` } })
  const { config } = await loadKubeconfig({ kubeconfig: cluster.kubeconfig, env: {}, home: cluster.directory })
  const client = createClient(config)
  bench.defer(() => client.close())
  const agent = agentIn(cluster.directory)
  return await compareStarts(bench.rounds, { docker, image: engine.image, client, agent, bare: { none: 'none' } })
}

/** A user's network has what the bridge's has: the engine answers for names in it, which is a program and eleven more at each start. */
const usersNetwork = 'by-hand'

async function onBridge(bench: Bench): Promise<Starts> {
  const bed = await networkBed({ build: bench.build, bridge: true })
  bench.defer(async () => await bed[Symbol.asyncDispose]())
  await bed.launch('up', '--backends', 'docker', '--network', 'bridge')
  const docker = new Docker({ socketPath: bed.engine.socketPath })
  await docker.createNetwork({ Name: usersNetwork, Driver: 'bridge' })
  const parts = { docker, image: bed.engine.image, client: await bed.connect(), agent: agentIn(bed.directory) }
  return await compareStarts(bench.rounds, { ...parts, bare: { docker0: 'bridge', network: usersNetwork } })
}

function agentIn(directory: string) {
  const { pid } = JSON.parse(readFileSync(path.join(directory, 'run/nodeagent.json'), 'utf8')) as { pid: number }
  return figuresOf(pid)
}

function reportAlone({ ours, bare: { none: bare = [] }, agentCpuMs }: Starts): Measurement[] {
  const own = (percent: number) => percentile(ours, percent) - percentile(bare, percent)
  return [
    {
      row: 10,
      what: 'apply to container running, p50, image present',
      unit: 'ms',
      ours: median(ours),
      peer: { name: 'dockerode create + start', value: median(bare) },
      goal: '≤ 1.15 ×, own share 50 ms',
      reached: median(ours) <= 1.15 * median(bare),
    },
    {
      row: 10,
      what: `own share of it, p99 of ${ours.length}`,
      unit: 'ms',
      ours: own(99),
      goal: '≤ 200',
      reached: own(99) <= 200,
    },
    { row: 10, what: 'CPU of the agent and what it runs, per Task', unit: 'ms', ours: agentCpuMs, goal: '' },
  ]
}

function reportBridged({ ours, bare: { docker0 = [], network = [] }, agentCpuMs }: Starts): Measurement[] {
  const what = 'the same on the bridge of the node'
  const common = { row: 10, unit: 'ms' }
  return [
    {
      ...common,
      what,
      ours: median(ours),
      peer: { name: 'dockerode, docker0', value: median(docker0) },
      goal: '≤ 1.15 ×',
      reached: median(ours) <= 1.15 * median(docker0),
    },
    { ...common, what, ours: median(ours), peer: { name: "dockerode, a user's network", value: median(network) }, goal: '' },
    { ...common, what: 'CPU of the agent and what it runs, per Task on the bridge', ours: agentCpuMs, goal: '' },
  ]
}

function isInstalled(command: string): boolean {
  return (process.env.PATH ?? '').split(path.delimiter).some((folder) => {
    try {
      accessSync(path.join(folder, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
