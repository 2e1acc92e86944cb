import type { Score } from './score.js'

/** The node with fewer workloads of the same owner. */
export const spreadScore: Score = {
  name: 'Spread',
  weight: 2,
  matters: (workload) => workload.spreadGroup !== undefined,
  rate: (workload, { use }) => 100 / (1 + (use.groups.get(workload.spreadGroup ?? '') ?? 0)),
}
