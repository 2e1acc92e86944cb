/** What the machine is and has, read once when the agent starts. */
import { existsSync } from 'node:fs'
import { readdir, readFile, statfs } from 'node:fs/promises'
import { arch, availableParallelism, hostname, networkInterfaces, release, totalmem } from 'node:os'
import type { NodeStatus } from '../../lib/api/kinds/node.js'
import { readGpus } from './machine-gpus.js'

export interface MachineFacts {
  readonly hostname: string
  /** As Kubernetes names it: amd64, arm64. */
  readonly architecture: string
  readonly cpus: number
  readonly memoryBytes: number
  readonly diskBytes: number
  readonly addresses: readonly string[]
  readonly numa: NonNullable<NodeStatus['numa']>
  readonly gpus: NonNullable<NodeStatus['gpus']>
  readonly kernel: string
  readonly osImage: string
  readonly bootId: string
  readonly machineId: string
}

/** `dataFolder`: the disk that it lies on is the one that counts. `searchPath`: where programs are found. */
export async function readMachineFacts(dataFolder: string, searchPath: string): Promise<MachineFacts> {
  const disk = await statfs(dataFolder)
  return {
    hostname: hostname(),
    architecture: ({ x64: 'amd64', ia32: '386' } as Record<string, string>)[arch()] ?? arch(),
    cpus: availableParallelism(),
    memoryBytes: await readMemory(),
    diskBytes: disk.blocks * disk.bsize,
    addresses: externalAddresses(),
    numa: await readNuma('/sys/devices/system/node'),
    gpus: await readGpus(searchPath),
    kernel: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(await textOf('/etc/os-release'))?.[1] ?? 'Linux',
    bootId: await textOf('/proc/sys/kernel/random/boot_id'),
    machineId: await textOf('/etc/machine-id'),
  }
}

/** The machine's memory, or the limit of the group that the agent is in where that is less. */
async function readMemory(): Promise<number> {
  const own = await textOf('/proc/self/cgroup')
  const groups = own.split('\n').map((line) => line.split(':'))
  const v1 = groups.find(([, controllers]) => controllers === 'memory')?.[2]
  const v2 = groups.find(([id]) => id === '0')?.[2]
  const limits = await Promise.all([
    v1 === undefined ? '' : textOf(`/sys/fs/cgroup/memory${v1}/memory.limit_in_bytes`),
    v2 === undefined ? '' : textOf(`/sys/fs/cgroup${v2}/memory.max`),
  ])
  return Math.min(totalmem(), ...limits.filter((limit) => /^\d+$/.test(limit)).map(Number))
}

function externalAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  const ipv4 = all.filter(({ internal, family }) => !internal && family === 'IPv4').map(({ address }) => address)
  return ipv4.length > 0 ? ipv4.slice(0, 1) : ['127.0.0.1']
}

/** NUMA nodes as sysfs shows them. */
export async function readNuma(folder: string): Promise<MachineFacts['numa']> {
  const names = existsSync(folder) ? await readdir(folder) : []
  const ids = names.flatMap((name) => /^node(\d+)$/.exec(name)?.[1] ?? []).map(Number)
  return Promise.all(
    ids
      .sort((a, b) => a - b)
      .map(async (id) => {
        const kilobytes = /MemTotal:\s+(\d+) kB/.exec(await textOf(`${folder}/node${id}/meminfo`))?.[1]
        const cpus = await textOf(`${folder}/node${id}/cpulist`)
        return { id, ...(cpus ? { cpus } : {}), ...(kilobytes ? { memory: `${kilobytes}Ki` } : {}) }
      }),
  )
}

async function textOf(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch {
    return ''
  }
}
