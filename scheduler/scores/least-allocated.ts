import type { Score } from './score.js'

/** The node that has the larger share of its CPU and memory left, with this workload on it. */
export const leastAllocatedScore: Score = {
  name: 'LeastAllocated',
  weight: 1,
  matters: () => true,
  rate: (workload, { facts, use }) =>
    50 * freeShare(facts.cpu, use.cpu + workload.cpu) + 50 * freeShare(facts.memory, use.memory + workload.memory),
}

const freeShare = (total: number, used: number) => (total <= 0 ? 0 : Math.max(0, 1 - used / total))
