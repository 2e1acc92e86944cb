import type { ClusterFacts } from './filters/filter.js'
import { applyUse, type NodeState } from './node-state.js'
import { fits } from './place.js'
import type { Workload } from './workload.js'

/**
 * Which of the changed nodes can take a workload, asked workload by workload. What a node was promised by an earlier answer counts, so that
 * one freed place wakes one workload and not ten thousand.
 */
export function helpedBy(changed: readonly NodeState[], cluster: ClusterFacts): (workload: Workload) => string | undefined {
  const offers = changed.map(copyState)
  return (workload) => {
    const node = offers.find((offer) => fits(workload, offer, cluster))
    if (node) applyUse(node.use, workload, 1)
    return node?.name
  }
}

function copyState({ name, facts, use }: NodeState): NodeState {
  const copy = {
    ...use,
    extended: new Map(use.extended),
    hostPorts: new Map(use.hostPorts),
    gpus: new Map(use.gpus),
    groups: new Map(use.groups),
  }
  return { name, facts, use: copy }
}
