import type { Taint } from '../../lib/api/kinds/node.js'
import type { Task } from '../../lib/api/kinds/task.js'
import { asksBudgets, notReadyTaint, printTaint, tolerates, unreachableTaint } from '../../lib/api/taint-toleration.js'

/** A NoExecute taint, and for how long the node has been seen to have it. */
export interface StandingTaint {
  readonly taint: Taint
  readonly sinceMs: number
}

export type Eviction =
  /** `asks`: only as far as disruption budgets allow, for nothing but a drain wants it. */
  | { readonly type: 'evict'; readonly message: string; readonly asks: boolean }
  /** Tolerated for this much longer. */
  | { readonly type: 'wait'; readonly leftMs: number }
  | { readonly type: 'stay' }

/** How long a task that says nothing tolerates a node whose agent is silent or not ready. */
const defaultTolerationSeconds = 300

const doubtTaints = [unreachableTaint, notReadyTaint]

/** Whether the taint says that a node is in doubt, not that somebody wants it empty. */
export const isDoubt = (taint: Pick<Taint, 'key'>): boolean => doubtTaints.includes(taint.key)

/**
 * Whether a task must leave its node. Each taint is judged on its own: untolerated ends it at once, a toleration with seconds when they are
 * over. What a task does not say about nodes in doubt follows from onNodeLost: Keep waits for the node as long as it takes, Reschedule five
 * minutes. `outage`: most nodes are silent, and nobody leaves because of doubt.
 */
export function decideEviction(task: Pick<Task, 'spec'>, taints: readonly StandingTaint[], outage: boolean): Eviction {
  let leftMs = Number.POSITIVE_INFINITY
  let drained: Eviction | undefined
  for (const { taint, sinceMs } of taints) {
    if (isDoubt(taint) && outage) continue
    const allowedMs = toleratedMs(task, taint)
    if (allowedMs <= sinceMs) {
      const after = allowedMs === 0 ? 'does not tolerate' : `tolerates for ${allowedMs / 1000} s only`
      const eviction = { type: 'evict', message: `its node has the taint ${printTaint(taint)}, which it ${after}` } as const
      if (!asksBudgets(taint)) return { ...eviction, asks: false }
      drained = { ...eviction, asks: true }
      continue
    }
    leftMs = Math.min(leftMs, allowedMs - sinceMs)
  }
  if (drained) return drained
  return Number.isFinite(leftMs) ? { type: 'wait', leftMs } : { type: 'stay' }
}

/** Of several tolerations that cover the taint, the shortest counts; those without seconds last for ever. */
function toleratedMs({ spec }: Pick<Task, 'spec'>, taint: Taint): number {
  const covering = (spec.tolerations ?? []).filter((toleration) => tolerates(toleration, taint))
  if (covering.length > 0)
    return 1000 * Math.min(...covering.map(({ tolerationSeconds }) => Math.max(0, tolerationSeconds ?? Number.POSITIVE_INFINITY)))
  if (!isDoubt(taint)) return 0
  return spec.onNodeLost === 'Reschedule' ? 1000 * defaultTolerationSeconds : Number.POSITIVE_INFINITY
}
