import { guestMemoryBytes } from '../../../../lib/api/guest-memory.js'
import type { Vps } from '../../../../lib/api/kinds/vps.js'
import { cpuMillis, memoryBytes } from '../../../../lib/api/quantity.js'
import type { CgroupLimits } from '../../cgroups/cgroups.js'

const defaultCpuMillis = 1000

export interface MachineDemands {
  readonly cpuMillis: number
  readonly memoryBytes: number
  /** Absent: that of the image. */
  readonly diskBytes?: number
}

/** What a limit allows; what is asked for, where there is none; else one CPU, and memory in which a usual image boots. */
export function machineDemands({ resources, running, diskSize }: Pick<Vps['spec'], 'resources' | 'running' | 'diskSize'>): MachineDemands {
  const cpu = resources?.limits?.cpu ?? resources?.requests?.cpu
  return {
    cpuMillis: cpu === undefined ? defaultCpuMillis : cpuMillis(cpu),
    memoryBytes: guestMemoryBytes({ resources, running }),
    ...(diskSize === undefined ? {} : { diskBytes: memoryBytes(diskSize) }),
  }
}

/** What QEMU takes beside the memory of its guest: its own buffers, and without KVM what it has translated. */
const ownMemoryBytes = 1536 * 1024 * 1024

/** What the process of a machine gets at most: the fraction of a processor too, and an end to memory that it takes beside its guest's. */
export function processLimits({ resources }: Pick<Vps['spec'], 'resources'>, given: MachineDemands): CgroupLimits {
  const { requests, limits } = resources ?? {}
  return {
    memoryBytes: given.memoryBytes + ownMemoryBytes,
    ...(limits?.cpu === undefined ? {} : { cpuLimitMillis: cpuMillis(limits.cpu) }),
    ...(requests?.cpu === undefined ? {} : { cpuRequestMillis: cpuMillis(requests.cpu) }),
  }
}
