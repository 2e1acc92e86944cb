import { type Filter, tally, verb } from './filter.js'

/** The agent reports, and says that the node can run workloads. */
export const readyFilter: Filter = {
  name: 'Ready',
  matters: () => true,
  passes: (_workload, node) => node.facts.ready,
  explain: (_workload, failures) =>
    `${verb(failures, 'is', 'are')} not ready (${tally(failures, ({ facts }) => facts.readyReason ?? 'no report of the agent')})`,
}
