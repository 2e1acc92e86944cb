import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { cpus } from 'node:os'
import path from 'node:path'
import {
  type Cgroups,
  makeGroup,
  maxProcessesPerRun,
  readMemoryInUse,
  readPids,
  readSetting,
  removeGroup,
  subgroups,
  writeIfThere,
  writeSetting,
} from './cgroups.js'

const controllers = ['memory', 'cpu', 'pids', 'freezer'] as const
const periodMicros = 100_000

/**
 * Version 1: a hierarchy per controller. Undefined unless all of memory, cpu, pids and freezer can be used. All runs together weigh as much
 * as the machine has CPUs: against what else runs there they would have the share of one process.
 */
export async function createCgroupsV1(root: string): Promise<Cgroups | undefined> {
  for (const controller of controllers) if (!(await makeGroup(path.join(root, controller)))) return undefined
  await writeSetting(path.join(root, 'cpu/millrace/cpu.shares'), cpus().length * 1024)
  const hasCpuset = await prepareCpuset(path.join(root, 'cpuset'))
  const group = (controller: (typeof controllers)[number] | 'cpuset', key: string) => path.join(root, controller, 'millrace', key)
  const files = (key: string) =>
    ([...controllers, 'cpuset'] as const)
      .filter((controller) => controller !== 'cpuset' || existsSync(group(controller, key)))
      .map((controller) => path.join(group(controller, key), 'cgroup.procs'))
  const freezerState = (key: string) => path.join(group('freezer', key), 'freezer.state')

  return {
    version: 1,
    hasCpuset,
    async keys() {
      const found = await Promise.all([...controllers, 'cpuset'].map((controller) => subgroups(path.join(root, controller, 'millrace'))))
      return [...new Set(found.flat().map((each) => path.basename(each)))]
    },
    async create(key, limits) {
      for (const controller of controllers) await mkdir(group(controller, key), { recursive: true })
      if (limits.memoryBytes !== undefined) {
        const memory = group('memory', key)
        await writeSetting(path.join(memory, 'memory.limit_in_bytes'), limits.memoryBytes)
        // Absent where the kernel does not account for swap.
        const withSwap = path.join(memory, 'memory.memsw.limit_in_bytes')
        if (existsSync(withSwap)) await writeSetting(withSwap, limits.memoryBytes)
      }
      const cpu = group('cpu', key)
      if (limits.cpuRequestMillis !== undefined)
        await writeSetting(path.join(cpu, 'cpu.shares'), Math.max(2, Math.round((limits.cpuRequestMillis * 1024) / 1000)))
      if (limits.cpuLimitMillis !== undefined && existsSync(path.join(cpu, 'cpu.cfs_quota_us'))) {
        await writeSetting(path.join(cpu, 'cpu.cfs_period_us'), periodMicros)
        await writeSetting(path.join(cpu, 'cpu.cfs_quota_us'), Math.max(1000, (limits.cpuLimitMillis * periodMicros) / 1000))
      }
      await writeSetting(path.join(group('pids', key), 'pids.max'), maxProcessesPerRun)
      if (!limits.numa || !hasCpuset) return files(key)
      const cpuset = group('cpuset', key)
      await mkdir(cpuset, { recursive: true })
      await writeSetting(path.join(cpuset, 'cpuset.cpus'), limits.numa.cpus)
      await writeSetting(path.join(cpuset, 'cpuset.mems'), limits.numa.node)
      return files(key)
    },
    files,
    async wasOomKilled(key) {
      const control = await readSetting(path.join(group('memory', key), 'memory.oom_control'))
      return Number(/^oom_kill (\d+)$/m.exec(control)?.[1] ?? 0) > 0
    },
    pids: (key) => readPids(group('freezer', key)),
    async usage(key) {
      const memory = group('memory', key)
      const [memoryBytes, cpuNanos] = await Promise.all([
        readMemoryInUse(path.join(memory, 'memory.usage_in_bytes'), path.join(memory, 'memory.stat'), 'total_inactive_file'),
        // There where the controllers cpu and cpuacct are mounted as one.
        readSetting(path.join(group('cpu', key), 'cpuacct.usage')),
      ])
      return { ...(memoryBytes === undefined ? {} : { memoryBytes }), ...(cpuNanos === '' ? {} : { cpuNanos: Number(cpuNanos) }) }
    },
    freeze: (key) => writeSetting(freezerState(key), 'FROZEN'),
    thaw: (key) => writeIfThere(freezerState(key), 'THAWED'),
    isFrozen: async (key) => /FROZEN|FREEZING/.test(await readSetting(freezerState(key))),
    thawFile: freezerState,
    async remove(key) {
      for (const controller of [...controllers, 'cpuset'] as const) await removeGroup(group(controller, key))
    },
  }
}

/** A group of this controller has nothing until it is told what; ours has all that the machine has. */
async function prepareCpuset(parent: string): Promise<boolean> {
  if (!(await makeGroup(parent))) return false
  try {
    for (const file of ['cpuset.cpus', 'cpuset.mems'])
      await writeSetting(path.join(parent, 'millrace', file), await readSetting(path.join(parent, file)))
    return true
  } catch {
    return false
  }
}
