import { cpuMillis, memoryBytes } from '../../../lib/api/quantity.js'
import type { RunSpec } from '../backend.js'
import type { CgroupLimits } from './cgroups.js'

/** The limits of a run, in the units of its control groups. */
export function limitsOf(spec: RunSpec['spec']): CgroupLimits & { memoryBytes: number | undefined } {
  const { limits, requests } = spec.resources ?? {}
  const cpuRequest = requests?.cpu ?? limits?.cpu
  return {
    memoryBytes: limits?.memory === undefined ? undefined : memoryBytes(limits.memory),
    cpuLimitMillis: limits?.cpu === undefined ? undefined : cpuMillis(limits.cpu),
    cpuRequestMillis: cpuRequest === undefined ? undefined : cpuMillis(cpuRequest),
  }
}
