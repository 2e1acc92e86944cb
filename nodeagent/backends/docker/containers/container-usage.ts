import type Docker from 'dockerode'
import type { UsageCounters } from '../../backend.js'
import { type Engine, unlessMissing } from '../engine/engine.js'

/** What a container uses, asked once; undefined when there is none, or it has ended. */
export async function readContainerUsage(
  engine: Engine,
  container: Docker.Container,
  signal: AbortSignal,
): Promise<UsageCounters | undefined> {
  const query = { stream: false, 'one-shot': true } as const
  const stats = await unlessMissing(engine.call(signal, (options) => container.stats({ ...query, ...options })))
  return stats && usageOf(stats)
}

/** The engine's figures, without the caches that the kernel can drop; undefined for a container that has ended, which has none. */
export function usageOf({
  cpu_stats: cpu,
  memory_stats: memory,
}: Pick<Docker.ContainerStats, 'cpu_stats' | 'memory_stats'>): UsageCounters | undefined {
  if (memory.usage === undefined) return undefined
  const details = memory.stats as Partial<Record<string, number>> | undefined
  // Control groups of version 1 count those below apart.
  const droppable = details?.total_inactive_file ?? details?.inactive_file ?? 0
  return { cpuNanos: cpu.cpu_usage.total_usage, memoryBytes: Math.max(0, memory.usage - droppable) }
}
