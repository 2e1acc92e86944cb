import { printTaint, tolerates } from '../../lib/api/taint-toleration.js'
import type { NodeState } from '../node-state.js'
import type { Workload } from '../workload.js'
import { type Filter, tally, verb } from './filter.js'

/** Every NoSchedule and NoExecute taint is tolerated. */
export const taintsFilter: Filter = {
  name: 'Taints',
  matters: () => true,
  passes: (workload, node) => node.facts.hardTaints.length === 0 || untolerated(workload, node) === undefined,
  explain: (workload, failures) =>
    `${verb(failures, 'has', 'have')} untolerated taint ${tally(failures, (node) => {
      const taint = untolerated(workload, node)
      return taint ? printTaint(taint) : ''
    })}`,
}

const untolerated = (workload: Workload, node: NodeState) =>
  node.facts.hardTaints.find((taint) => !workload.tolerations.some((toleration) => tolerates(toleration, taint)))
