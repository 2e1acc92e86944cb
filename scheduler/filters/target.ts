import type { NodeState } from '../node-state.js'
import { gpuResource, type Workload } from '../workload.js'
import { type Filter, tally } from './filter.js'

/** The node is the one of spec.target, and has its NUMA node and its GPUs, which nobody else holds. */
export const targetFilter: Filter = {
  name: 'Target',
  matters: (workload) => workload.target !== undefined,
  passes: (workload, node) => refusalOf(workload, node) === undefined,
  explain: (workload, failures) => tally(failures, (node) => refusalOf(workload, node, failures.length > 1) ?? ''),
}

function refusalOf({ target, targetText, key }: Workload, { name, facts, use }: NodeState, several = false): string | undefined {
  if (target === undefined) return undefined
  const is = several ? 'are' : 'is'
  const has = several ? 'have' : 'has'
  if (target === 'invalid') return `${is} not meant by the target ${JSON.stringify(targetText)}: a target is NODE[:NUMA][::GPU,GPU]`
  if (target.node !== undefined && target.node !== name) return `${is} not the target ${target.node}`
  if (target.numa !== undefined && !facts.numaNodes.has(target.numa)) return `${has} no NUMA node ${target.numa}`
  if (target.gpus.length === 0) return undefined
  const absent = target.gpus.find((gpu) => !facts.gpus.has(gpu))
  if (absent !== undefined) return `${has} no GPU ${absent}`
  for (const gpu of target.gpus) {
    const holder = use.gpus.get(gpu)?.find((other) => other.key !== key)
    if (holder) return `${has} GPU ${gpu} held by ${holder.namespace}/${holder.name}`
  }
  // GPUs that were asked for by number are chosen by the agent: their indexes are not known here, so none can be promised beside them.
  const byNumber = (use.extended.get(gpuResource) ?? 0) - use.gpus.size
  if (byNumber > 0) return `${has} GPUs held by number (${byNumber}), so no index is sure to be free`
  return undefined
}
