import { statfs } from 'node:fs/promises'
import type { UsageCounters } from '../backends/backend.js'
import type { MachineRoots } from '../node/machine-roots.js'
import { readMemoryGroup } from '../node/memory-group.js'
import { textOf } from '../node/text-of.js'

const nanosPerTick = 10_000_000

/** What the whole machine has used of its CPUs, and uses of its memory: of the agent's control group where that is what limits it. */
export async function readMachineCounters(roots: MachineRoots): Promise<UsageCounters> {
  const [stat, memory, group] = await Promise.all([textOf(`${roots.proc}/stat`), textOf(`${roots.proc}/meminfo`), readMemoryGroup(roots)])
  const { totalBytes, usedBytes } = parseMeminfo(memory)
  return {
    cpuNanos: busyTicks(stat) * nanosPerTick,
    memoryBytes: group && group.limitBytes < totalBytes ? group.usedBytes : usedBytes,
  }
}

/** Ticks in which the CPUs worked: they neither idled nor waited for a disk. A host's user time has its guests' in it. */
export function busyTicks(stat: string): number {
  const ticks = (/^cpu +(.*)$/m.exec(stat)?.[1] ?? '').split(' ').map(Number)
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = ticks
  return user + nice + system + irq + softirq
}

/** `usedBytes`: what is neither free nor can be freed at once. */
function parseMeminfo(text: string): { totalBytes: number; usedBytes: number } {
  const bytes = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0) * 1024
  return { totalBytes: bytes('MemTotal'), usedBytes: bytes('MemTotal') - bytes('MemAvailable') }
}

/** Averages of the last minute, five and fifteen. */
export async function readLoad({ proc }: MachineRoots): Promise<number[]> {
  const averages = (await textOf(`${proc}/loadavg`)).split(' ').slice(0, 3)
  return averages.filter((text) => text !== '').map(Number)
}

/** Bytes of the disk that are taken. */
export async function readDiskUse(folder: string): Promise<number> {
  const { blocks, bfree, bsize } = await statfs(folder)
  return (blocks - bfree) * bsize
}
