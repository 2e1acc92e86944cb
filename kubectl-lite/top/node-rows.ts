import type { Node } from '../../lib/api/kinds/node.js'
import type { NodeMetrics } from '../../lib/api/kinds/node-metrics.js'
import { parseQuantity } from '../../lib/api/quantity.js'
import { printAmount, printHottest, unknown, useCells } from './print-use.js'
import type { TopRow } from './top-row.js'

export const nodeColumns = ['NAME', 'CPU', 'CPU%', 'MEMORY', 'MEMORY%'] as const
export const wideNodeColumns = ['DISK', 'DISK%', 'LOAD', 'TEMPERATURE', 'GPU'] as const

/** A row for every node; one that nothing was measured of says so. */
export function nodeRows(nodes: readonly Node[], metrics: readonly NodeMetrics[], wide: boolean): TopRow[] {
  const measured = new Map(metrics.map((entry) => [entry.metadata.name, entry]))
  return nodes.map(({ metadata, status }) => {
    const { usage, load, temperatures, gpus } = measured.get(metadata.name) ?? {}
    const cells = [...useCells(usage, status?.capacity, 'cpu'), ...useCells(usage, status?.capacity, 'memory')]
    const more = usage
      ? [...useCells(usage, status?.capacity, 'ephemeral-storage'), printLoad(load), printHottest(temperatures), printGpus(gpus)]
      : wideNodeColumns.map(() => unknown)
    return { cells: [metadata.name, ...cells, ...(wide ? more : [])], name: metadata.name, usage }
  })
}

/** Of the last minute. */
const printLoad = (load: NodeMetrics['load']) => load?.[0]?.toFixed(2) ?? '-'

/** `0: 35% 12Gi/40Gi 61°C`, of each. */
function printGpus(gpus: NodeMetrics['gpus']): string {
  return gpus?.map((gpu) => `${gpu.index}: ${printGpu(gpu)}`).join(', ') || '-'
}

export function printGpu({ utilization, memory, memoryTotal, celsius }: NonNullable<NodeMetrics['gpus']>[number]): string {
  const bytes = [memory, memoryTotal].flatMap((quantity) => (quantity === undefined ? [] : [printKibibytes(quantity)]))
  const parts = [
    utilization === undefined ? '' : `${Math.round(utilization)}%`,
    bytes.join('/'),
    celsius === undefined ? '' : `${Math.round(celsius)}°C`,
  ]
  return parts.filter((part) => part !== '').join(' ') || unknown
}

const printKibibytes = (quantity: string | number) => printAmount('memory', parseQuantity(quantity))
