import { findCondition, withCondition } from '../../lib/api/condition.js'
import type { Lease } from '../../lib/api/kinds/lease.js'
import type { Node, Taint } from '../../lib/api/kinds/node.js'
import { notReadyTaint, unreachableTaint } from '../../lib/api/taint-toleration.js'
import { timestamp } from '../../lib/base/clock.js'

/** A node whose Lease was not seen to change for this long is unreachable, whatever the Lease says. */
export const longestSilenceMs = 40_000

/** For how long a node may be silent that says so itself in its Lease: sooner than others, never later. */
export function silentAfterMs(lease: Pick<Lease, 'spec'> | undefined): number {
  const seconds = lease?.spec?.leaseDurationSeconds ?? 0
  return seconds > 0 ? Math.min(seconds * 1000, longestSilenceMs) : longestSilenceMs
}

/** Conditions that only the agent can know; without it they are Unknown. */
const agentConditions = ['Ready', 'MemoryPressure', 'DiskPressure', 'BackendReady']

const silentReason = 'NodeStatusUnknown'

/**
 * The node as it should be written: Ready and what else the agent knows Unknown while it is silent, and the taints that follow. The same
 * object when nothing differs. `nowMs` is wall-clock time.
 */
export function judgeNode(node: Node, silentMs: number, nowMs: number, afterMs = longestSilenceMs): Node {
  const judged = silentMs >= afterMs ? asSilent(node, nowMs) : node
  return withTaints(judged, nowMs)
}

function asSilent(node: Node, nowMs: number): Node {
  const known = node.status?.conditions ?? []
  const conditions = agentConditions
    .filter((type) => type === 'Ready' || known.some((condition) => condition.type === type))
    .reduce(
      (all, type) =>
        withCondition(
          all,
          { type, status: 'Unknown', reason: silentReason, message: 'the agent stopped reporting: its Lease is not renewed' },
          nowMs,
        ),
      known,
    )
  return conditions === known ? node : { ...node, status: { ...node.status, conditions } }
}

function withTaints(node: Node, nowMs: number): Node {
  const taints = node.spec.taints ?? []
  const key = taintKeyOf(node)
  const kept = taints.filter((taint) => (taint.key !== unreachableTaint && taint.key !== notReadyTaint) || taint.key === key)
  const missing =
    key === undefined
      ? []
      : (['NoSchedule', 'NoExecute'] as const).filter((effect) => !kept.some((taint) => taint.key === key && taint.effect === effect))
  if (kept.length === taints.length && missing.length === 0) return node
  const added = missing.map(
    (effect): Taint => ({ key: key ?? '', effect, ...(effect === 'NoExecute' ? { timeAdded: timestamp(nowMs) } : {}) }),
  )
  const next = [...kept, ...added]
  return { ...node, spec: { ...node.spec, taints: next.length > 0 ? next : undefined } }
}

/** The taint that the Ready condition asks for. */
function taintKeyOf(node: Node): string | undefined {
  const ready = findCondition(node, 'Ready')
  if (ready?.status === 'True') return undefined
  return ready?.status === 'Unknown' ? unreachableTaint : notReadyTaint
}

/** Whether the node counts as silent: Unknown because nobody reports. */
export const isSilent = (node: Node): boolean => findCondition(node, 'Ready')?.status === 'Unknown'
