/**
 * How loaded the node and what runs on it are, looked at when somebody asks and never otherwise. Nothing of it goes through the store.
 *
 *     const stats = createStatsReader({ clock, backends, machines, dataFolder, searchPath, roots })
 *     await stats.readMachine(signal)
 */
import type { MachineUsage, WorkloadUsage } from '../../lib/api/node-stats.js'
import type { Clock } from '../../lib/base/clock.js'
import type { Backend, UsageCounters } from '../backends/backend.js'
import type { MachineBackend } from '../backends/machine-backend.js'
import type { MachineRoots } from '../node/machine-roots.js'
import { readGpuUsage } from './gpu-usage.js'
import { readDiskUse, readLoad, readMachineCounters } from './machine-counters.js'
import { readTemperatures } from './temperatures.js'
import { UsageWindows } from './usage-windows.js'

export interface StatsReaderOptions {
  readonly clock: Clock
  readonly backends: Iterable<Pick<Backend, 'usage'>>
  readonly machines: Iterable<Pick<MachineBackend, 'machineUsage'>>
  /** The disk that counts. */
  readonly dataFolder: string
  /** Where programs are found. */
  readonly searchPath: string
  readonly roots: MachineRoots
}

export interface StatsReader {
  readMachine(signal: AbortSignal): Promise<MachineUsage>
  /** Of every workload that runs here; with `uid`, of that one alone. */
  readWorkloads(signal: AbortSignal, uid?: string): Promise<readonly WorkloadUsage[]>
}

export function createStatsReader(options: StatsReaderOptions): StatsReader {
  const { clock, dataFolder, searchPath, roots } = options
  const windows = new UsageWindows(clock)

  return {
    async readMachine(signal) {
      const look = async () => new Map([['machine', await readMachineCounters(roots)]])
      const [usage, load, temperatures, gpus, diskUsedBytes] = await Promise.all([
        windows.measure(look, signal),
        readLoad(roots),
        readTemperatures(roots),
        readGpuUsage(searchPath),
        readDiskUse(dataFolder),
      ])
      const machine = usage.get('machine')
      if (!machine) throw new Error('the machine was not there at both ends of the window')
      return { ...machine, diskUsedBytes, load, temperatures, gpus }
    },

    async readWorkloads(signal, uid) {
      let newest = new Map<string, Counted>()
      const usage = await windows.measure(async () => {
        newest = await countWorkloads(options, signal, uid)
        return newest
      }, signal)
      return [...newest].flatMap(([key, { kind, uid: ofUid, attempt }]) => {
        const used = usage.get(key)
        return used ? [{ kind, uid: ofUid, attempt, ...used }] : []
      })
    },
  }
}

interface Counted extends UsageCounters, Pick<WorkloadUsage, 'kind' | 'uid' | 'attempt'> {}

/** By run: one that follows another begins at nothing. A backend that fails says nothing of its workloads; the others do. */
async function countWorkloads(
  { backends, machines }: StatsReaderOptions,
  signal: AbortSignal,
  uid: string | undefined,
): Promise<Map<string, Counted>> {
  const runs = [...backends].map(async (backend) =>
    ((await backend.usage?.(signal, uid)) ?? []).map(({ id, ...counters }): [string, Counted] => [
      `task ${id.uid} ${id.attempt} ${id.run}`,
      { kind: 'Task', uid: id.uid, attempt: id.attempt, ...counters },
    ]),
  )
  const vpses = [...machines].map(async (backend) =>
    (await backend.machineUsage(signal, uid)).map((counters): [string, Counted] => [
      `vps ${counters.uid}`,
      { kind: 'Vps', attempt: 0, ...counters },
    ]),
  )
  const answers = await Promise.allSettled([...runs, ...vpses])
  signal.throwIfAborted()
  return new Map(answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : [])))
}
