import type { NodeState } from '../node-state.js'
import type { Workload } from '../workload.js'
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
  // Which GPUs a workload gets that asked for a number of them, the API server says when
  // it is bound: a binding that comes too late is refused there.
  return undefined
}
