/** What the machine is and has, read once when the agent starts. */
import { existsSync } from 'node:fs'
import { readdir, statfs } from 'node:fs/promises'
import { arch, availableParallelism, hostname, networkInterfaces, release, totalmem } from 'node:os'
import type { NodeStatus } from '../../lib/api/kinds/node.js'
import { printBytes } from '../../lib/api/quantity.js'
import { readGpus } from './machine-gpus.js'
import { type MachineRoots, machineRoots } from './machine-roots.js'
import { readMemoryGroup } from './memory-group.js'
import { readDisplayDevices } from './pci-devices.js'
import { textOf } from './text-of.js'

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
  readonly displayDevices: NonNullable<NodeStatus['displayDevices']>
  readonly kernel: string
  readonly osImage: string
  readonly bootId: string
  readonly machineId: string
}

/** `dataFolder`: the disk that it lies on is the one that counts. `searchPath`: where programs are found. */
export async function readMachineFacts(dataFolder: string, searchPath: string, roots = machineRoots): Promise<MachineFacts> {
  const disk = await statfs(dataFolder)
  return {
    hostname: hostname(),
    architecture: ({ x64: 'amd64', ia32: '386' } as Record<string, string>)[arch()] ?? arch(),
    cpus: availableParallelism(),
    memoryBytes: await readMemory(roots),
    diskBytes: disk.blocks * disk.bsize,
    addresses: externalAddresses(),
    numa: await readNuma(`${roots.sys}/devices/system/node`),
    gpus: await readGpus(searchPath, roots),
    displayDevices: await readDisplayDevices(roots),
    kernel: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(await textOf('/etc/os-release'))?.[1] ?? 'Linux',
    bootId: await textOf(`${roots.proc}/sys/kernel/random/boot_id`),
    machineId: await textOf('/etc/machine-id'),
  }
}

/** The facts with what is declared instead. Throws a RangeError for more memory than there is: it is never promised twice. */
export function withDeclared(
  facts: MachineFacts,
  { cpus = facts.cpus, memoryBytes = facts.memoryBytes }: { readonly cpus?: number | undefined; readonly memoryBytes?: number | undefined },
): MachineFacts {
  if (memoryBytes > facts.memoryBytes)
    throw new RangeError(`the machine has ${printBytes(facts.memoryBytes)} of memory, and cannot give ${printBytes(memoryBytes)}`)
  return { ...facts, cpus, memoryBytes }
}

/** The machine's memory, or the limit of the group that the agent is in where that is less. */
async function readMemory(roots: MachineRoots): Promise<number> {
  return Math.min(totalmem(), (await readMemoryGroup(roots))?.limitBytes ?? Number.POSITIVE_INFINITY)
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
