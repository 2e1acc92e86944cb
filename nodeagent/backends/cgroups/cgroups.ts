/**
 * Limits by control groups, version 2 or 1, where the agent may make groups: a group per run under `millrace/`, named by its key. Where it
 * may not, `openCgroups` says so with undefined, and the backend watches instead.
 */
import { access, constants, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { UsageCounters } from '../backend.js'
import { createCgroupsV1 } from './cgroups-v1.js'
import { createCgroupsV2 } from './cgroups-v2.js'

export interface CgroupLimits {
  readonly memoryBytes?: number | undefined
  /** Thousandths of a core that may be used at most. */
  readonly cpuLimitMillis?: number | undefined
  /** Thousandths of a core that are asked for: the share under contention. */
  readonly cpuRequestMillis?: number | undefined
  /** The NUMA node to stay on, with its CPUs as 0-3; where `hasCpuset`. */
  readonly numa?: { readonly node: number; readonly cpus: string } | undefined
}

/** No run may have more processes and threads than this: a fork bomb stays in its run. */
export const maxProcessesPerRun = 4096

/** The groups of all runs. `key` is a run's key; every call may be repeated. */
export interface Cgroups {
  readonly version: 1 | 2
  /** Whether runs can be kept on a NUMA node. */
  readonly hasCpuset: boolean
  /** Of all that have groups, or parts of them. */
  keys(): Promise<string[]>
  /** Makes the run's groups and returns the files into which its first process writes its pid. */
  create(key: string, limits: CgroupLimits): Promise<string[]>
  /** Those files, for a further process of the run. */
  files(key: string): string[]
  /** Whether the kernel ended a process of the run for its memory. */
  wasOomKilled(key: string): Promise<boolean>
  pids(key: string): Promise<number[]>
  /** What the kernel has counted for the run; parts that it does not count are absent. */
  usage(key: string): Promise<Partial<UsageCounters>>
  freeze(key: string): Promise<void>
  /** Also what was started without groups, by an agent that made none. */
  thaw(key: string): Promise<void>
  isFrozen(key: string): Promise<boolean>
  /** The file into which THAWED is written, where frozen processes cannot be killed. */
  thawFile(key: string): string | undefined
  /** Removes the run's groups, which must be empty. */
  remove(key: string): Promise<void>
}

/** What the machine has, under `root` (normally /sys/fs/cgroup); undefined when this process may not make groups there. */
export async function openCgroups(root = '/sys/fs/cgroup'): Promise<Cgroups | undefined> {
  return (await createCgroupsV2(root)) ?? (await createCgroupsV1(root))
}

/** Makes `parent/millrace`; false when that is not possible. */
export async function makeGroup(parent: string): Promise<boolean> {
  try {
    await access(parent, constants.W_OK)
    await mkdir(path.join(parent, 'millrace'), { recursive: true })
    return true
  } catch {
    return false
  }
}

export async function writeSetting(file: string, value: string | number): Promise<void> {
  await writeFile(file, `${value}\n`)
}

/** What has no groups has no settings either. */
export async function writeIfThere(file: string, value: string | number): Promise<void> {
  try {
    await writeSetting(file, value)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** Empty when there is no such file. */
export async function readSetting(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    if (['ENOENT', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '')) return ''
    throw error
  }
}

/** Bytes that a group holds, without those that the kernel can drop; undefined where it does not count. */
export async function readMemoryInUse(usage: string, statistics: string, droppable: string): Promise<number | undefined> {
  const [used, text] = await Promise.all([readSetting(usage), readSetting(statistics)])
  if (!/^\d+$/.test(used)) return undefined
  const cached = new RegExp(`^${droppable} (\\d+)$`, 'm').exec(text)?.[1] ?? 0
  return Math.max(0, Number(used) - Number(cached))
}

/** Pids in a group and in the groups below it. */
export async function readPids(group: string): Promise<number[]> {
  const own = (await readSetting(path.join(group, 'cgroup.procs'))).split('\n').filter(Boolean).map(Number)
  const below = await Promise.all((await subgroups(group)).map(readPids))
  return [...own, ...below.flat()]
}

/** Removes a group with those below it, which a workload may have made. */
export async function removeGroup(group: string): Promise<void> {
  for (const below of await subgroups(group)) await removeGroup(below)
  try {
    await rmdir(group)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** The groups right below one. */
export async function subgroups(group: string): Promise<string[]> {
  try {
    const entries = await readdir(group, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map((entry) => path.join(group, entry.name))
  } catch {
    return []
  }
}
