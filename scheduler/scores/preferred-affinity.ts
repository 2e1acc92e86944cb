import type { Score } from './score.js'

/** The node that matches more, by weight, of the preferred terms. */
export const preferredAffinityScore: Score = {
  name: 'PreferredAffinity',
  weight: 3,
  matters: (workload) => workload.preferredAffinity.length > 0,
  rate: (workload, { name, facts }) => {
    let matched = 0
    let total = 0
    for (const { weight, matches } of workload.preferredAffinity) {
      total += weight
      if (matches({ name, labels: facts.labels })) matched += weight
    }
    return total === 0 ? 0 : (100 * matched) / total
  },
}
