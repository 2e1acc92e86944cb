import type { Deployment } from '../../lib/api/kinds/deployment.js'

/** What a rollout keeps to, in tasks. */
export interface RolloutBounds {
  readonly replicas: number
  /** How many more than `replicas` there may be. */
  readonly maxSurge: number
  /** How many fewer than `replicas` may be available. */
  readonly maxUnavailable: number
}

const defaultShare = '25%'

/**
 * Percentages are of `replicas`: the surge is rounded up, what may be unavailable down; where both come to nothing, one may be unavailable.
 */
export function rolloutBounds({ spec }: Pick<Deployment, 'spec'>): RolloutBounds {
  const { replicas, strategy } = spec
  if (strategy.type === 'Recreate') return { replicas, maxSurge: 0, maxUnavailable: replicas }
  const { maxSurge = defaultShare, maxUnavailable = defaultShare } = strategy.rollingUpdate ?? {}
  const surge = tasksOf(maxSurge, replicas, Math.ceil)
  const unavailable = tasksOf(maxUnavailable, replicas, Math.floor)
  return { replicas, maxSurge: surge, maxUnavailable: Math.min(replicas, surge === 0 && unavailable === 0 ? 1 : unavailable) }
}

function tasksOf(amount: number | string, replicas: number, round: (share: number) => number): number {
  // In whole hundredths: 7 % of 100 is 7 and not 7.000000000000001.
  return typeof amount === 'number' ? amount : round((Number.parseInt(amount, 10) * replicas) / 100)
}
