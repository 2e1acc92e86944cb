import type { Node } from '../../lib/api/kinds/node.js'
import type { NodeMetrics } from '../../lib/api/kinds/node-metrics.js'
import { printGpu } from '../top/node-rows.js'
import { useCells } from '../top/print-use.js'

/** How loaded a node is, or why nobody knows. */
export interface NodeLoad {
  readonly metrics?: NodeMetrics
  readonly failure?: string
}

/** The lines about load, temperatures and GPUs of a node's description. */
export function describeLoad({ status = {} }: Node, { metrics, failure }: NodeLoad): (readonly [string, string | undefined])[] {
  const { usage, load, window } = metrics ?? {}
  const used = (['cpu', 'memory', 'ephemeral-storage'] as const).map((name) => {
    const [amount, share] = useCells(usage, status.capacity, name)
    return `${amount} ${name === 'ephemeral-storage' ? 'disk' : name} (${share})`
  })
  return [
    ['Usage', metrics ? `${used.join(', ')}, over ${window}` : failure && `<unknown>: ${failure}`],
    ['Load', load && `${load.join(', ')} (1, 5 and 15 minutes)`],
    ['Temperatures', metrics?.temperatures?.map(({ sensor, celsius }) => `${sensor}: ${celsius}°C`).join('\n')],
  ]
}

/** Each GPU with what it is and does, and other display controllers with what drives them. */
export function describeGpus({ status = {} }: Node, { metrics }: NodeLoad): string {
  const gpus = (status.gpus ?? []).map((gpu) => {
    const busy = metrics?.gpus?.find(({ index }) => index === gpu.index)
    const place = [gpu.pciAddress, gpu.numaNode === undefined ? undefined : `NUMA node ${gpu.numaNode}`].filter(Boolean).join(', ')
    return [`${gpu.index}: ${gpu.model ?? 'unknown'}`, place && `(${place})`, busy && printGpu(busy)].filter(Boolean).join(' ')
  })
  const known = new Set(status.gpus?.map(({ pciAddress }) => pciAddress))
  const others = (status.displayDevices ?? [])
    .filter(({ pciAddress }) => !known.has(pciAddress))
    .map(
      ({ pciAddress, vendor, device, driver }) =>
        `not usable: ${pciAddress} ${vendor}:${device}, ${driver ? `driver ${driver}` : 'no driver'}`,
    )
  return [...gpus, ...others].join('\n') || '<none>'
}

/** The NUMA nodes with their CPUs and memory. */
export function describeNuma({ status = {} }: Node): string | undefined {
  const nodes = status.numa?.map(({ id, cpus, memory }) => `${id}: CPUs ${cpus ?? 'unknown'}, memory ${memory ?? 'unknown'}`)
  return nodes?.join('\n') || undefined
}
