/**
 * Row 11: from the POST of a Task to the first line that its guest's command says, against the same QEMU started by
 * hand with the same arguments; and how many guests come up beside processes that use all processors. Left out where
 * there is no QEMU. `--boots 100`: a hundred guests under load.
 */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { Task } from '../../../lib/api/kinds/task.js'
import { createClient } from '../../../lib/client/create-client.js'
import { loadKubeconfig } from '../../../lib/client/kubeconfig/load-kubeconfig.js'
import { defaultTaskSpec } from '../../../lib/testing/a-task.js'
import { makeMicrovmImage } from '../../../nodeagent/backends/qemu/fixtures/microvm-image.js'
import { makeControlPipe } from '../../../nodeagent/backends/qemu/microvm/control-pipe.js'
import { guestOrders } from '../../../nodeagent/backends/qemu/microvm/guest-orders.js'
import { microvmArguments } from '../../../nodeagent/backends/qemu/microvm/microvm-arguments.js'
import { openMicrovmImage } from '../../../nodeagent/backends/qemu/microvm/microvm-images.js'
import { findQemu } from '../../../nodeagent/backends/qemu/qemu-engine.js'
import { reportFile } from '../../../nodeagent/backends/supervision/shim.js'
import { startCluster } from '../../processes/cluster.js'
import { type Bench, interleave, type Measurement, median, type Row, spreadOf, until } from '../measure.js'

const patienceMs = 300_000
const spec = { backend: 'qemu' as const, image: 'busybox', command: ['sh', '-c', 'echo up; sleep 600'], terminationGracePeriodSeconds: 0 }

export const microvms: Row = {
  rows: [11],
  name: 'microVMs',
  async run(bench) {
    const searchPath = process.env.PATH ?? ''
    const engine = await findQemu({ binary: 'qemu-system-x86_64', directory: bench.directory, searchPath })
    if ('missing' in engine) {
      bench.say(`${engine.missing}: left out`)
      return []
    }
    const cluster = await startCluster(bench, { backends: 'qemu' })
    const [node = ''] = readdirSync(path.join(cluster.directory, 'nodes'))
    const data = path.join(cluster.directory, 'nodes', node)
    await makeMicrovmImage(path.join(data, 'images'))
    const { config } = await loadKubeconfig({ kubeconfig: cluster.kubeconfig, env: {}, home: cluster.directory })
    const client = createClient(config)
    bench.defer(() => client.close())

    const viaTask = async () => {
      const name = `run-${randomUUID().slice(0, 8)}`
      const before = performance.now()
      const { uid } = (await client.of(Task).create({ metadata: { namespace: 'default', name }, spec })).metadata
      await until(`${name} to be up`, patienceMs, () => saidUp(path.join(data, 'workloads', uid, 'logs/0-0/log')), 5)
      const took = performance.now() - before
      await client.of(Task).delete({ namespace: 'default', name })
      await until(
        `${name} to be gone`,
        patienceMs,
        async () => !(await client.of(Task).list()).items.some((task) => task.metadata.name === name),
      )
      return took
    }
    const image = await openMicrovmImage(spec.image, {
      imageDirectory: path.join(data, 'images'),
      bootDirectory: path.join(bench.directory, 'boot'),
    })
    const command = microvmArguments({ engine, name: 'bare', spec: {}, image, cpus: availableParallelism() })
    const orders = guestOrders({ name: 'bare', env: {}, spec: { ...defaultTaskSpec, ...spec } })
    const bare = () => bootByHand(path.join(bench.directory, 'bare'), command, orders)

    await viaTask()
    await bare()
    const { ours, byHand } = await interleave(bench.rounds, { ours: viaTask, byHand: bare })
    return [...reportBoots(ours, byHand), ...(await bootUnderLoad(bench, viaTask))]
  },
}

/** QEMU as the agent starts it, without all that stands around it. */
async function bootByHand(directory: string, command: readonly string[], orders: string): Promise<number> {
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory)
  await makeControlPipe(directory, process.env.PATH ?? '')
  const before = performance.now()
  const [program = '', ...words] = command
  const output = path.join(directory, 'output')
  const file = openSync(output, 'w')
  const report = openSync('/dev/null', 'w')
  // QEMU opens its output anew by name, which a file bears; the agent's pipe for the report is here nothing.
  const files = new Map<number, number | 'pipe'>([
    [0, 'pipe'],
    [1, file],
    [reportFile, report],
  ])
  const stdio = Array.from({ length: reportFile + 1 }, (_, index) => files.get(index) ?? 'ignore')
  const qemu = spawn(program, words, { cwd: directory, stdio })
  for (const opened of [file, report]) closeSync(opened)
  const ended = new Promise((resolve) => qemu.once('close', resolve))
  qemu.stdin?.end(orders)
  try {
    await until('the bare guest to be up', patienceMs, () => readFileSync(output, 'utf8').includes('up'), 5)
    return performance.now() - before
  } finally {
    qemu.kill('SIGKILL')
    await ended
  }
}

async function bootUnderLoad(bench: Bench, boot: () => Promise<number>): Promise<Measurement[]> {
  const burners = Array.from({ length: availableParallelism() * 2 }, () =>
    spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
  )
  const quench = () => {
    for (const burner of burners) burner.kill('SIGKILL')
  }
  bench.defer(quench)
  const took: number[] = []
  for (let round = 1; round <= bench.boots; round++)
    await boot().then(
      (ms) => {
        took.push(ms)
        bench.say(`boot ${round} of ${bench.boots} under load: ${(ms / 1000).toFixed(1)} s`)
      },
      (error: unknown) => bench.say(`boot ${round} of ${bench.boots} under load: ${String(error)}`),
    )
  quench()
  const guests = {
    row: 11,
    what: `guests up of ${bench.boots} under load`,
    unit: '',
    ours: took.length,
    goal: '≥ 99 of 100',
    reached: took.length >= Math.floor(bench.boots * 0.99),
  }
  const time = { row: 11, what: 'apply to guest up under load, p50', unit: 'ms', ours: median(took), spread: spreadOf(took), goal: '' }
  return [guests, ...(took.length > 0 ? [time] : [])]
}

function reportBoots(ours: readonly number[], byHand: readonly number[]): Measurement[] {
  return [
    {
      row: 11,
      what: 'apply to guest up, p50, image present',
      unit: 'ms',
      ours: median(ours),
      spread: spreadOf(ours),
      peer: { name: 'the same QEMU by hand', value: median(byHand) },
      goal: '≤ 1.15 ×',
      reached: median(ours) <= 1.15 * median(byHand),
    },
  ]
}

function saidUp(log: string): boolean {
  try {
    return readFileSync(log, 'utf8').includes('stdout F up')
  } catch {
    return false // not yet there
  }
}
