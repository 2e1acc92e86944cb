import { type Filter, tally, verb } from './filter.js'

/** The ports of the node that it takes are free. */
export const hostPortsFilter: Filter = {
  name: 'HostPorts',
  matters: (workload) => workload.hostPorts.length > 0,
  passes: (workload, node) => workload.hostPorts.every((port) => !node.use.hostPorts.has(port)),
  explain: (workload, failures) =>
    `${verb(failures, 'has', 'have')} no free port ${tally(failures, ({ use }) =>
      workload.hostPorts
        .filter((port) => use.hostPorts.has(port))
        .map((port) => {
          const holder = use.hostPorts.get(port)?.[0]
          return `${port}${holder && failures.length === 1 ? ` (held by ${holder.namespace}/${holder.name})` : ''}`
        })
        .join(' and '),
    )}`,
}
