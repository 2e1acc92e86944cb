import type { GpuUsage } from '../../lib/api/node-stats.js'
import { askNvidia } from '../node/ask-nvidia.js'

const columns = ['index', 'utilization.gpu', 'memory.used', 'memory.total', 'temperature.gpu']
/** An answer about load that comes later is of no use. */
const timeoutMs = 2_500

/** How busy the NVIDIA GPUs are; none where their tool is not installed. */
export async function readGpuUsage(searchPath: string): Promise<GpuUsage[]> {
  const rows = (await askNvidia(columns, searchPath, timeoutMs)) ?? []
  return rows.flatMap((row) => parseGpuUsage(row) ?? [])
}

/** `0, 35, 1024, 40960, 61`; a column that the GPU does not know says [N/A]. */
export function parseGpuUsage(row: readonly string[]): GpuUsage | undefined {
  const [index, utilizationPercent, used, total, celsius] = row.map((field) => (/^\d+(\.\d+)?$/.test(field) ? Number(field) : undefined))
  if (index === undefined) return undefined
  const mebibytes = (amount: number | undefined) => (amount === undefined ? undefined : amount * 1024 ** 2)
  const amounts = { utilizationPercent, memoryUsedBytes: mebibytes(used), memoryTotalBytes: mebibytes(total), celsius }
  return { index, ...Object.fromEntries(Object.entries(amounts).filter(([, amount]) => amount !== undefined)) }
}
