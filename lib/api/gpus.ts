import type { TaskSpec } from './kinds/task.js'
import { requestsOf } from './resource-amounts.js'
import { parseTarget } from './target.js'

/** The GPU resource; a target that names GPU indexes asks for as many. */
export const gpuResource = 'millrace.dev/gpu'

/** What a workload asks for of the GPUs of its node. */
export interface GpuRequest {
  readonly count: number
  /** Those that its target names; the others may be any. */
  readonly named: readonly number[]
  /** The NUMA node that its target names. */
  readonly numa: number | undefined
}

export function gpuRequestOf(spec: Pick<TaskSpec, 'target' | 'resources'>): GpuRequest {
  const target = spec.target === undefined ? undefined : parseTarget(spec.target)
  const named = target?.gpus ?? []
  return { count: Math.max(named.length, requestsOf(spec)[gpuResource] ?? 0), named, numa: target?.numa }
}
