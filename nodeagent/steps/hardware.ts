import { gpuRequestOf } from '../../lib/api/gpus.js'
import type { TaskSpec } from '../../lib/api/kinds/task.js'
import type { RunGpu } from '../backends/backend.js'
import type { MachineFacts } from '../node/machine-facts.js'
import { StepError } from './step-error.js'

/** A Task or a Vps. */
interface Placed {
  readonly spec: Pick<TaskSpec, 'target' | 'resources'>
  readonly status?: { readonly gpus?: readonly number[] | undefined }
}

/** What a run has of the machine beside CPU and memory. */
export interface Hardware {
  /** The NUMA node that its target names. */
  readonly numaNode: number | undefined
  /** The GPUs that it was given; empty when it asked for none, absent on a machine without any. */
  readonly gpus: readonly RunGpu[] | undefined
}

/** Reads the target, the resources, and which GPUs the API server gave. Throws a StepError when those are not there. Pure. */
export function hardwareOf({ spec, status }: Placed, present: MachineFacts['gpus']): Hardware {
  const { count, numa: numaNode } = gpuRequestOf(spec)
  if (count === 0) return { numaNode, gpus: present.length === 0 ? undefined : [] }
  const given = status?.gpus ?? []
  if (given.length < count)
    throw new StepError('Unsupported', `GPUs were asked for (${count}), and the node named none when it was bound`, false)
  const gpus = given.map((index) => {
    const gpu = present.find((candidate) => candidate.index === index)
    if (!gpu) throw new StepError('Unsupported', `the node has no GPU ${index} any more`, false)
    return { index, ...(gpu.uuid === undefined ? {} : { uuid: gpu.uuid }) }
  })
  return { numaNode, gpus }
}
