import type { Task } from '../../lib/api/kinds/task.js'

/** What a task wants of the machine beside CPU and memory. */
export interface Hardware {
  /** The NUMA node that its target names. */
  readonly numaNode: number | undefined
  readonly wantsGpus: boolean
}

/** Reads `target` (NODE[:NUMA][::GPU,GPU]) and the resources. Pure. */
export function hardwareOf({ target = '', resources }: Pick<Task['spec'], 'target' | 'resources'>): Hardware {
  const [, numa, gpus] = /^[^:]*(?::(\d+))?(?:::(.+))?$/.exec(target) ?? []
  const counted = [resources?.requests, resources?.limits].some((amounts) => Number(amounts?.['millrace.dev/gpu'] ?? 0) > 0)
  return { numaNode: numa === undefined ? undefined : Number(numa), wantsGpus: counted || gpus !== undefined }
}
