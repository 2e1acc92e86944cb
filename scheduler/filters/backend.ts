import type { NodeState } from '../node-state.js'
import type { Workload } from '../workload.js'
import { type ClusterFacts, type Filter, tally } from './filter.js'

/** A hollow node stands in for any backend: it runs nothing. */
const hollowBackend = 'hollow'

/** The node can run the workload's backend, and isolates it as its namespace demands. */
export const backendFilter: Filter = {
  name: 'Backend',
  matters: () => true,
  passes: (workload, node, cluster) => refusalOf(workload, node, cluster) === undefined,
  explain: (workload, failures, cluster) =>
    `cannot run ${workload.backend}: ${tally(failures, (node) => refusalOf(workload, node, cluster) ?? '')}`,
}

function refusalOf(workload: Workload, { facts }: NodeState, cluster: ClusterFacts): string | undefined {
  const backend = facts.backends.get(workload.backend) ?? facts.backends.get(hollowBackend)
  if (!backend) return 'the agent does not offer it'
  if (!backend.available) return backend.message ?? 'not available'
  if (backend.isolation === 'none' && !cluster.allowsNoIsolation(workload.namespace))
    return `it isolates nothing there, and namespace ${workload.namespace} does not have label millrace.dev/security=privileged`
  return undefined
}
