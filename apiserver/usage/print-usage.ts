import type { GpuUsage, MachineUsage, Usage } from '../../lib/api/node-stats.js'

/** Usage in Kubernetes' quantities: cores to the nanocore, bytes in kibibytes. */
export function printUsage({ cpuCores, memoryBytes }: Usage): { cpu: string; memory: string } {
  return { cpu: `${Math.round(cpuCores * 1e9)}n`, memory: kibibytes(memoryBytes) }
}

/** A duration as Go writes it: `15.2s`. */
export const printWindow = ({ windowMs }: Usage) => `${Math.round(windowMs) / 1000}s`

/** The machine as NodeMetrics has it. */
export function printMachine({ load, temperatures, gpus, diskUsedBytes, ...usage }: MachineUsage) {
  return {
    window: printWindow(usage),
    usage: { ...printUsage(usage), 'ephemeral-storage': kibibytes(diskUsedBytes) },
    ...(load.length > 0 ? { load } : {}),
    ...(temperatures.length > 0 ? { temperatures: temperatures.map(({ label, celsius }) => ({ sensor: label, celsius })) } : {}),
    ...(gpus.length > 0 ? { gpus: gpus.map(printGpu) } : {}),
  }
}

function printGpu({ index, utilizationPercent: utilization, memoryUsedBytes, memoryTotalBytes, celsius }: GpuUsage) {
  const memory = memoryUsedBytes === undefined ? undefined : kibibytes(memoryUsedBytes)
  const memoryTotal = memoryTotalBytes === undefined ? undefined : kibibytes(memoryTotalBytes)
  return { index, utilization, memory, memoryTotal, celsius }
}

const kibibytes = (bytes: number) => `${Math.round(bytes / 1024)}Ki`
