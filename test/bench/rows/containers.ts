/** Row 10: from the POST of a Task to its container running, against Docker's own create and start. Left out where there is no dockerd. */
import { randomUUID } from 'node:crypto'
import { accessSync, constants } from 'node:fs'
import path from 'node:path'
import Docker from 'dockerode'
import { Task } from '../../../lib/api/kinds/task.js'
import { createClient } from '../../../lib/client/create-client.js'
import { createInformer } from '../../../lib/client/informer/informer.js'
import { loadKubeconfig } from '../../../lib/client/kubeconfig/load-kubeconfig.js'
import { startTestEngine } from '../../../nodeagent/backends/docker/fixtures/test-engine.js'
import { startCluster } from '../../processes/cluster.js'
import { interleave, type Measurement, median, percentile, type Row, until } from '../measure.js'

const runsPerRound = 5
const patienceMs = 60_000

export const containers: Row = {
  rows: [10],
  name: 'containers',
  async run(bench) {
    if (!isInstalled('dockerd')) {
      bench.say('there is no dockerd: left out')
      return []
    }
    const engine = await startTestEngine()
    bench.defer(() => engine.close())
    const docker = new Docker({ socketPath: engine.socketPath })
    const cluster = await startCluster(bench, { backends: 'docker', env: { DOCKER_HOST: `unix://${engine.socketPath}` } })
    const { config } = await loadKubeconfig({ kubeconfig: cluster.kubeconfig, env: {}, home: cluster.directory })
    const client = createClient(config)
    const abort = new AbortController()
    const informer = createInformer(client, Task)
    const following = informer.start(abort.signal)
    try {
      await informer.synced()
      const isRunning = (name: string) => informer.lister.get(`default/${name}`)?.status?.phase === 'Running'
      /** Each begins where nothing of the one before is still being cleared away. */
      const quiet = () => until('the engine to be empty', patienceMs, async () => (await docker.listContainers({ all: true })).length === 0)
      const viaTask = async () => {
        await quiet()
        const name = `run-${randomUUID().slice(0, 8)}`
        const before = performance.now()
        const spec = { image: engine.image, command: ['sleep', '600'], backend: 'docker' as const }
        await client.of(Task).create({ metadata: { namespace: 'default', name }, spec })
        await until(`${name} to run`, patienceMs, () => isRunning(name), 1)
        const took = performance.now() - before
        await client.of(Task).delete({ namespace: 'default', name }, { gracePeriodSeconds: 0 })
        await until(`${name} to be gone`, patienceMs, () => informer.lister.get(`default/${name}`) === undefined)
        return took
      }
      const viaDocker = async () => {
        await quiet()
        const before = performance.now()
        const container = await docker.createContainer({ Image: engine.image, Cmd: ['sleep', '600'], HostConfig: { NetworkMode: 'none' } })
        await container.start()
        const took = performance.now() - before
        await container.remove({ force: true })
        return took
      }
      await viaTask()
      await viaDocker()
      return report(await interleave(bench.rounds * runsPerRound, { ours: viaTask, bare: viaDocker }))
    } finally {
      abort.abort()
      await following
      await client.close()
    }
  },
}

function report({ ours, bare }: { ours: readonly number[]; bare: readonly number[] }): Measurement[] {
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
