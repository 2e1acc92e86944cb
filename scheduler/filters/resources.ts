import { printAmount } from '../../lib/api/resource-amounts.js'
import type { NodeState } from '../node-state.js'
import type { Workload } from '../workload.js'
import { type Filter, verb } from './filter.js'

/** A name that the node may limit and that every workload takes one of. */
const countResource = 'pods'

/**
 * What it asks for is free: memory is never over-committed, the CPU up to the node's factor, everything else piece by piece. Free is what
 * the node offers less what is promised, whether it is used or not.
 */
export const resourcesFilter: Filter = {
  name: 'Resources',
  matters: () => true,
  passes: (workload, { facts, use }) => {
    if (workload.memory > facts.memory - use.memory || workload.cpu > facts.cpu - use.cpu) return false
    for (const [name, amount] of workload.extended)
      if (amount > (facts.extended.get(name) ?? 0) - (use.extended.get(name) ?? 0)) return false
    return use.count < (facts.extended.get(countResource) ?? Number.POSITIVE_INFINITY)
  },
  explain: (workload, failures) => {
    const lacking = asksOf(workload).filter(({ name, amount }) => failures.some((node) => amount > freeOf(node, name)))
    const most = failures.length === 1 ? '' : 'at most '
    const phrases = lacking.map(({ name, amount }) => {
      const free = Math.max(...failures.filter((node) => amount > freeOf(node, name)).map((node) => freeOf(node, name)))
      return `${name} (asks ${printAmount(name, amount)}, ${most}${printAmount(name, Math.max(0, free))} free)`
    })
    return `${verb(failures, 'lacks', 'lack')} ${phrases.join(failures.length === 1 ? ' and ' : ' or ')}`
  },
}

function asksOf(workload: Workload): { name: string; amount: number }[] {
  return [
    { name: 'memory', amount: workload.memory },
    { name: 'cpu', amount: workload.cpu },
    ...workload.extended.map(([name, amount]) => ({ name, amount })),
    { name: countResource, amount: 1 },
  ]
}

/** What can still be promised; for CPU that includes the node's factor. */
function freeOf({ facts, use }: NodeState, name: string): number {
  if (name === 'memory') return facts.memory - use.memory
  if (name === 'cpu') return facts.cpu - use.cpu
  if (name === countResource) return (facts.extended.get(name) ?? Number.POSITIVE_INFINITY) - use.count
  return (facts.extended.get(name) ?? 0) - (use.extended.get(name) ?? 0)
}
