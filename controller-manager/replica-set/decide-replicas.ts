import type { ReplicaSet } from '../../lib/api/kinds/replica-set.js'
import type { Task } from '../../lib/api/kinds/task.js'
import { endedAtMs, isComplete } from '../task-end.js'
import { countByNode, inDeletionOrder } from './deletion-order.js'
import { isActive, isTakenAway } from './task-state.js'

export interface ReplicaPlan {
  /** How many tasks to create. */
  readonly create: number
  /** Replicas that are too many. */
  readonly remove: readonly Task[]
  /** Tasks that have ended, or are evicted, and that nobody needs to see any more. */
  readonly discard: readonly Task[]
  /** When a replacement that is held back is due, from now. */
  readonly againInMs: number | undefined
}

export interface ReplicaQuestion {
  readonly set: Pick<ReplicaSet, 'metadata' | 'spec'>
  /** All that the set manages, whatever their state. */
  readonly tasks: readonly Task[]
  /** Tasks of the other sets of the same owner; asked for only when there are too many. */
  readonly siblings: () => readonly Task[]
  readonly nowMs: number
}

/** Failed tasks that stay for people to look at, and that make the pause longer. */
const failuresKept = 5
const failureWindowMs = 600_000
const firstPauseMs = 10_000

const nothing: ReplicaPlan = { create: 0, remove: [], discard: [], againInMs: undefined }

/**
 * What brings a set to its number of replicas. A task that ended by itself is replaced: the first at once, the next ones ever later, so
 * that a template that cannot run does not fill the cluster with what is left of it.
 */
export function decideReplicas({ set, tasks, siblings, nowMs }: ReplicaQuestion): ReplicaPlan {
  if (set.metadata.deletionTimestamp) return nothing
  const { replicas, minReadySeconds } = set.spec
  const active = tasks.filter(isActive)
  const left = tasks.filter((task) => !task.metadata.deletionTimestamp && !isActive(task))
  const failures = left.filter((task) => isComplete(task) && !isTakenAway(task)).sort((a, b) => endMs(b) - endMs(a))
  const takenAway = left.filter(isTakenAway)
  const old = failures.slice(replicas === 0 ? 0 : failuresKept)
  const missing = replicas - active.length
  if (missing <= 0) {
    const discard = [...takenAway, ...old]
    if (missing === 0) return { ...nothing, discard }
    const onNode = countByNode([...active, ...siblings().filter(isActive)])
    const remove = active.sort(inDeletionOrder({ minReadySeconds, nowMs, onNode })).slice(0, -missing)
    return { ...nothing, remove, discard }
  }
  // A clock that was put back must not hold anything up for long.
  const recent = failures.filter((task) => Math.abs(nowMs - endMs(task)) < failureWindowMs)
  const counted = Math.min(recent.length, failuresKept)
  const pauseMs = counted < 2 ? 0 : firstPauseMs * 2 ** (counted - 2)
  const heldMs = (task: Task) => endMs(task) + pauseMs - nowMs
  // A failure stays at least as long as its replacement is held back: it is what holds it back.
  const held = recent.filter((task) => heldMs(task) > 0)
  const oldest = held.at(-1)
  return {
    ...nothing,
    create: Math.max(0, missing - held.length),
    discard: [...takenAway, ...old.filter((task) => heldMs(task) <= 0)],
    againInMs: oldest && heldMs(oldest),
  }
}

function endMs(task: Task): number {
  return endedAtMs(task) ?? 0
}
