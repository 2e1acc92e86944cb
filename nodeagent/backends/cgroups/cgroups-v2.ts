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

const controllers = ['memory', 'cpu', 'pids'] as const
const periodMicros = 100_000

/**
 * Version 2: one hierarchy. Undefined unless memory, cpu and pids can be used below `root`. All runs together weigh what version 1 says.
 */
export async function createCgroupsV2(root: string): Promise<Cgroups | undefined> {
  const offered = (await readSetting(path.join(root, 'cgroup.controllers'))).split(' ')
  if (!controllers.every((controller) => offered.includes(controller)) || !(await makeGroup(root))) return undefined
  const parent = path.join(root, 'millrace')
  const enabled = controllers.map((controller) => `+${controller}`).join(' ')
  try {
    await writeSetting(path.join(root, 'cgroup.subtree_control'), enabled)
    await writeSetting(path.join(parent, 'cgroup.subtree_control'), enabled)
    await writeSetting(path.join(parent, 'cpu.weight'), Math.min(10_000, cpus().length * 100))
  } catch {
    return undefined
  }
  const hasCpuset = offered.includes('cpuset') && (await enableCpuset(root, parent))
  const group = (key: string) => path.join(parent, key)
  const files = (key: string) => [path.join(group(key), 'cgroup.procs')]

  return {
    version: 2,
    hasCpuset,
    keys: async () => (await subgroups(parent)).map((each) => path.basename(each)),
    async create(key, limits) {
      const set = (name: string, value: string | number) => writeSetting(path.join(group(key), name), value)
      await mkdir(group(key), { recursive: true })
      if (limits.memoryBytes !== undefined) {
        await set('memory.max', limits.memoryBytes)
        await set('memory.swap.max', 0).catch(() => undefined) // absent where the kernel does not account for swap
      }
      if (limits.cpuRequestMillis !== undefined) await set('cpu.weight', weightOf(limits.cpuRequestMillis))
      if (limits.cpuLimitMillis !== undefined)
        await set('cpu.max', `${Math.max(1000, (limits.cpuLimitMillis * periodMicros) / 1000)} ${periodMicros}`)
      await set('pids.max', maxProcessesPerRun)
      if (limits.numa && hasCpuset) {
        await set('cpuset.cpus', limits.numa.cpus)
        await set('cpuset.mems', limits.numa.node)
      }
      return files(key)
    },
    files,
    async wasOomKilled(key) {
      const events = await readSetting(path.join(group(key), 'memory.events'))
      return Number(/^oom_kill (\d+)$/m.exec(events)?.[1] ?? 0) > 0
    },
    pids: (key) => readPids(group(key)),
    async usage(key) {
      const [memoryBytes, cpu] = await Promise.all([
        readMemoryInUse(path.join(group(key), 'memory.current'), path.join(group(key), 'memory.stat'), 'inactive_file'),
        readSetting(path.join(group(key), 'cpu.stat')),
      ])
      const micros = /^usage_usec (\d+)$/m.exec(cpu)?.[1]
      return { ...(memoryBytes === undefined ? {} : { memoryBytes }), ...(micros === undefined ? {} : { cpuNanos: Number(micros) * 1000 }) }
    },
    freeze: (key) => writeSetting(path.join(group(key), 'cgroup.freeze'), 1),
    thaw: (key) => writeIfThere(path.join(group(key), 'cgroup.freeze'), 0),
    isFrozen: async (key) => (await readSetting(path.join(group(key), 'cgroup.freeze'))) === '1',
    thawFile: () => undefined,
    remove: (key) => removeGroup(group(key)),
  }
}

/** 1000m, a share of 1024 in version 1, is the default weight of 100. */
function weightOf(cpuRequestMillis: number): number {
  return Math.min(10_000, Math.max(1, Math.round(cpuRequestMillis / 10)))
}

async function enableCpuset(...groups: string[]): Promise<boolean> {
  try {
    for (const group of groups) await writeSetting(path.join(group, 'cgroup.subtree_control'), '+cpuset')
    return true
  } catch {
    return false
  }
}
