import { type Filter, verb } from './filter.js'

/** The node matches one of the required terms of spec.affinity.nodeAffinity. */
export const affinityFilter: Filter = {
  name: 'Affinity',
  matters: (workload) => workload.requiredAffinity !== undefined,
  passes: (workload, node) => workload.requiredAffinity?.({ name: node.name, labels: node.facts.labels }) ?? true,
  explain: (_workload, failures) => `${verb(failures, 'does', 'do')} not match the required node affinity`,
}
