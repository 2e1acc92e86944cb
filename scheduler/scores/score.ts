import type { NodeState } from '../node-state.js'
import type { Workload } from '../workload.js'

/** One reason to prefer a node among those that fit. */
export interface Score {
  readonly name: string
  /** How much it counts against the others. */
  readonly weight: number
  /** Whether it tells the nodes apart for this workload; asked once. */
  matters(workload: Workload): boolean
  /** 0 (worst) to 100 (best). */
  rate(workload: Workload, node: NodeState): number
}
