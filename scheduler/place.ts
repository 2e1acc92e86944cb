import type { ClusterFacts, Filter } from './filters/filter.js'
import { filters as allFilters } from './filters/index.js'
import type { NodeState } from './node-state.js'
import type { Refusal } from './refusal.js'
import { scores as allScores } from './scores/index.js'
import type { Workload } from './workload.js'

export interface PlaceOptions {
  /** Where in `nodes` to begin; it decides between equal nodes. */
  readonly start: number
  /** Stop looking once this many nodes fit. */
  readonly enough: number
}

export type Placing =
  | { readonly node: NodeState; readonly examined: number }
  /** Nothing fits; one refusal for every node. */
  | { readonly node: undefined; readonly refusals: readonly Refusal[] }

/** The best node for a workload. Pure: it reads the nodes and changes nothing. */
export function placeWorkload(workload: Workload, nodes: readonly NodeState[], cluster: ClusterFacts, options: PlaceOptions): Placing {
  const filters = allFilters.filter((filter) => filter.matters(workload))
  const scores = allScores.filter((score) => score.matters(workload))
  let best: NodeState | undefined
  let bestRating = Number.NEGATIVE_INFINITY
  let fitting = 0
  let examined = 0
  while (examined < nodes.length && fitting < options.enough) {
    const node = nodes[(options.start + examined++) % nodes.length]
    if (!node || firstFailing(filters, workload, node, cluster)) continue
    fitting++
    let rating = 0
    for (const score of scores) rating += score.weight * score.rate(workload, node)
    if (rating > bestRating) {
      best = node
      bestRating = rating
    }
  }
  if (best) return { node: best, examined }
  const refusals = nodes.flatMap((node) => {
    const filter = firstFailing(filters, workload, node, cluster)
    return filter ? [{ node, filter }] : []
  })
  return { node: undefined, refusals }
}

/** Whether the node takes the workload now. */
export function fits(workload: Workload, node: NodeState, cluster: ClusterFacts): boolean {
  return allFilters.every((filter) => !filter.matters(workload) || filter.passes(workload, node, cluster))
}

function firstFailing(filters: readonly Filter[], workload: Workload, node: NodeState, cluster: ClusterFacts): Filter | undefined {
  for (const filter of filters) if (!filter.passes(workload, node, cluster)) return filter
  return undefined
}
