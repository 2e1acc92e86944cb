import { tolerates } from '../../lib/api/taint-toleration.js'
import type { Score } from './score.js'

/** The node with fewer PreferNoSchedule taints that are not tolerated. */
export const softTaintsScore: Score = {
  name: 'SoftTaints',
  weight: 3,
  matters: () => true,
  rate: (workload, { facts }) => {
    if (facts.softTaints.length === 0) return 100
    const untolerated = facts.softTaints.filter((taint) => !workload.tolerations.some((toleration) => tolerates(toleration, taint)))
    return 100 / (1 + untolerated.length)
  },
}
