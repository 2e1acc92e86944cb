import type { NodeState } from '../node-state.js'
import { type Filter, verb } from './filter.js'

/** The node has every label of spec.nodeSelector. */
export const nodeSelectorFilter: Filter = {
  name: 'NodeSelector',
  matters: (workload) => workload.nodeSelector.length > 0,
  passes: (workload, node) => workload.nodeSelector.every(([key, value]) => hasLabel(node, key, value)),
  explain: (workload, failures) => {
    const missing = workload.nodeSelector.filter(([key, value]) => failures.some((node) => !hasLabel(node, key, value)))
    return `${verb(failures, 'lacks', 'lack')} label ${missing.map(([key, value]) => `${key}=${value}`).join(failures.length === 1 ? ' and ' : ' or ')}`
  },
}

const hasLabel = (node: NodeState, key: string, value: string) => Object.hasOwn(node.facts.labels, key) && node.facts.labels[key] === value
