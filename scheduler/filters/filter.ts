import type { IPClaimSpec } from '../../lib/api/kinds/ip-claim.js'
import type { NodeState } from '../node-state.js'
import type { Workload } from '../workload.js'

/** What filters may know beyond the workload and the node. */
export interface ClusterFacts {
  /** Whether the namespace's label admits backends that isolate nothing. */
  allowsNoIsolation(namespace: string): boolean
  /** What an IPClaim says; undefined where there is none of the name. */
  addressClaim(namespace: string, name: string): IPClaimSpec | undefined
}

/**
 * One reason for which a node may be refused. A filter keeps no state: it judges what
 * it is given, so the same question always has the same answer.
 */
export interface Filter {
  readonly name: string
  /** Whether the filter has anything to say about this workload; asked once, not per node. */
  matters(workload: Workload): boolean
  passes(workload: Workload, node: NodeState, cluster: ClusterFacts): boolean
  /**
   * The refusal in words, as what follows the nodes' names: `lacks memory (asks 4Gi, 1.2Gi free)` for one node,
   * `lack memory (asks 4Gi, at most 1.2Gi free)` for several. `failures` is never empty.
   */
  explain(workload: Workload, failures: readonly NodeState[], cluster: ClusterFacts): string
}

/** `lacks` for one node, `lack` for several. */
export function verb(failures: readonly NodeState[], one: string, several: string): string {
  return failures.length === 1 ? one : several
}

/** The different phrases of the nodes, the most frequent first: `a` for one, `a (3) or b (2)` for several. */
export function tally(failures: readonly NodeState[], phrase: (node: NodeState) => string): string {
  const counts = new Map<string, number>()
  for (const node of failures) counts.set(phrase(node), (counts.get(phrase(node)) ?? 0) + 1)
  if (counts.size === 1) return [...counts.keys()].join()
  const sorted = [...counts].sort(([, a], [, b]) => b - a)
  const shown = sorted.slice(0, 3).map(([text, count]) => `${text} (${count})`)
  return `${shown.join(' or ')}${sorted.length > shown.length ? ' or others' : ''}`
}
