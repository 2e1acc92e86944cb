import { readMemoryInUse } from '../backends/cgroups/cgroups.js'
import type { MachineRoots } from './machine-roots.js'
import { textOf } from './text-of.js'

/** A control group that limits the memory of the agent and of all that it starts. */
export interface MemoryGroup {
  readonly limitBytes: number
  /** Without caches that the kernel can drop. */
  readonly usedBytes: number
}

/** The group that the agent is in, where it has a limit; undefined on most machines. */
export async function readMemoryGroup({ proc, sys }: MachineRoots): Promise<MemoryGroup | undefined> {
  const groups = (await textOf(`${proc}/self/cgroup`)).split('\n').map((line) => line.split(':'))
  const v1 = groups.find(([, controllers]) => controllers === 'memory')?.[2]
  const v2 = groups.find(([id]) => id === '0')?.[2]
  const found = await Promise.all([
    v1 === undefined
      ? undefined
      : readGroup(`${sys}/fs/cgroup/memory${v1}`, 'memory.limit_in_bytes', 'memory.usage_in_bytes', 'total_inactive_file'),
    v2 === undefined ? undefined : readGroup(`${sys}/fs/cgroup${v2}`, 'memory.max', 'memory.current', 'inactive_file'),
  ])
  const limited = found.filter((group) => group !== undefined)
  return limited.sort((a, b) => a.limitBytes - b.limitBytes)[0]
}

async function readGroup(folder: string, limit: string, usage: string, droppable: string): Promise<MemoryGroup | undefined> {
  const [limitText, usedBytes] = await Promise.all([
    textOf(`${folder}/${limit}`),
    readMemoryInUse(`${folder}/${usage}`, `${folder}/memory.stat`, droppable),
  ])
  return /^\d+$/.test(limitText) ? { limitBytes: Number(limitText), usedBytes: usedBytes ?? 0 } : undefined
}
