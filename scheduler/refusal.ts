import type { ClusterFacts, Filter } from './filters/filter.js'
import type { NodeState } from './node-state.js'
import type { Workload } from './workload.js'

/** A node that does not fit, and the first filter that it fails. */
export interface Refusal {
  readonly node: NodeState
  readonly filter: Filter
}

/** Up to this many nodes each has a phrase of its own; beyond, they are grouped by filter. */
const singleNodes = 12
/** Names shown of a group. */
const namesShown = 5

/**
 * Why no node takes the workload: `0 of 3 nodes fit: n1 lacks memory (asks 4Gi, 1.2Gi free); n2 is cordoned; n3 lacks label gpu=a100`.
 * Large clusters are grouped:
 * `0 of 500 nodes fit: 480 lack memory (asks 4Gi, at most 1.2Gi free) (n1, n2, n3, n4, n5, …); 20 are cordoned (…)`.
 */
export function explainRefusals(workload: Workload, refusals: readonly Refusal[], cluster: ClusterFacts): string {
  if (refusals.length === 0) return '0 of 0 nodes fit: the cluster has no nodes'
  const sorted = [...refusals].sort((a, b) => (a.node.name < b.node.name ? -1 : 1))
  const head = `0 of ${refusals.length} ${refusals.length === 1 ? 'node fits' : 'nodes fit'}: `
  if (refusals.length <= singleNodes)
    return head + sorted.map(({ node, filter }) => `${node.name} ${filter.explain(workload, [node], cluster)}`).join('; ')
  const groups = new Map<Filter, NodeState[]>()
  for (const { node, filter } of sorted) {
    const group = groups.get(filter)
    if (group) group.push(node)
    else groups.set(filter, [node])
  }
  const largestFirst = [...groups].sort(([, a], [, b]) => b.length - a.length)
  return (
    head +
    largestFirst
      .map(([filter, nodes]) => {
        const phrase = filter.explain(workload, nodes, cluster)
        if (nodes.length === 1) return `${nodes[0]?.name} ${phrase}`
        const names = nodes.slice(0, namesShown).map(({ name }) => name)
        return `${nodes.length} ${phrase} (${names.join(', ')}${nodes.length > names.length ? ', …' : ''})`
      })
      .join('; ')
  )
}
