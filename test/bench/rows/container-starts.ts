/** Starts of containers in turn: by a Task, and by Docker alone on each of some networks. */
import { randomUUID } from 'node:crypto'
import type Docker from 'dockerode'
import { Task } from '../../../lib/api/kinds/task.js'
import type { Client } from '../../../lib/client/client.js'
import { createInformer } from '../../../lib/client/informer/informer.js'
import type { ProcessFigures } from '../../processes/process-figures.js'
import { interleave, until } from '../measure.js'

export interface StartsOptions {
  readonly docker: Docker
  readonly image: string
  readonly client: Client
  readonly agent: ProcessFigures
  /** Networks of the engine for its own starts, by what they are called here. */
  readonly bare: Readonly<Record<string, string>>
}

export interface Starts {
  /** How long each took, milliseconds. */
  readonly ours: readonly number[]
  readonly bare: Readonly<Record<string, readonly number[]>>
  /** Of the agent and the programs that it runs, for a Task from its start to its end, milliseconds. */
  readonly agentCpuMs: number
}

const runsPerRound = 5
const patienceMs = 60_000

export async function compareStarts(rounds: number, options: StartsOptions): Promise<Starts> {
  const { docker, image, client, agent } = options
  const abort = new AbortController()
  const informer = createInformer(client, Task)
  const following = informer.start(abort.signal)
  try {
    await informer.synced()
    const isRunning = (name: string) => informer.lister.get(`default/${name}`)?.status?.phase === 'Running'
    /** Each begins where nothing of the one before is still being cleared away. */
    const quiet = () => until('the engine to be empty', patienceMs, async () => (await docker.listContainers({ all: true })).length === 0)
    let agentCpuMs = 0
    let tasks = 0
    const viaTask = async () => {
      await quiet()
      const cpuBefore = agent.cpuWithEndedMs()
      const name = `run-${randomUUID().slice(0, 8)}`
      const before = performance.now()
      const spec = { image, command: ['sleep', '600'], backend: 'docker' as const }
      await client.of(Task).create({ metadata: { namespace: 'default', name }, spec })
      await until(`${name} to run`, patienceMs, () => isRunning(name), 1)
      const took = performance.now() - before
      await client.of(Task).delete({ namespace: 'default', name }, { gracePeriodSeconds: 0 })
      await until(`${name} to be gone`, patienceMs, () => informer.lister.get(`default/${name}`) === undefined)
      await quiet()
      agentCpuMs += agent.cpuWithEndedMs() - cpuBefore
      tasks++
      return took
    }
    const viaDocker = (network: string) => async () => {
      await quiet()
      const before = performance.now()
      const container = await docker.createContainer({ Image: image, Cmd: ['sleep', '600'], HostConfig: { NetworkMode: network } })
      await container.start()
      const took = performance.now() - before
      await container.remove({ force: true })
      return took
    }
    const variants = {
      ...Object.fromEntries(Object.entries(options.bare).map(([name, network]) => [name, viaDocker(network)])),
      ours: viaTask,
    }
    for (const start of Object.values(variants)) await start()
    agentCpuMs = 0
    tasks = 0
    const { ours, ...bare } = await interleave(rounds * runsPerRound, variants)
    return { ours, bare, agentCpuMs: agentCpuMs / tasks }
  } finally {
    abort.abort()
    await following
  }
}
