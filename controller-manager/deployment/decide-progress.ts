import { type Condition, findCondition } from '../../lib/api/condition.js'
import type { Deployment } from '../../lib/api/kinds/deployment.js'
import { timestamp } from '../../lib/base/clock.js'
import { type DeploymentCounts, isComplete } from './deployment-status.js'

/** Kubernetes' reasons of the condition Progressing, which kubectl and others read. */
export const progressReasons = {
  created: 'NewReplicaSetCreated',
  found: 'FoundNewReplicaSet',
  updated: 'ReplicaSetUpdated',
  available: 'NewReplicaSetAvailable',
  paused: 'DeploymentPaused',
  resumed: 'DeploymentResumed',
  timedOut: 'ProgressDeadlineExceeded',
  failedCreate: 'ReplicaSetCreateError',
} as const
export type ProgressReason = keyof typeof progressReasons

/** As Kubernetes does: with this deadline there is none. */
const noDeadline = 2 ** 31 - 1

export interface ProgressQuestion {
  readonly deployment: Deployment
  /** The status that the Deployment is to have. */
  readonly counts: DeploymentCounts
  /** The ReplicaSet of the present template, for the message. */
  readonly setName: string | undefined
  /** What this pass did to the rollout, if anything that counts by itself. */
  readonly news: { readonly reason: ProgressReason; readonly message: string } | undefined
  readonly nowMs: number
}

/**
 * How far the rollout is: the condition Progressing, undefined where no deadline is asked for. It is updated when something moves and at no
 * other time, so that its lastUpdateTime says since when nothing has.
 */
export function decideProgress(question: ProgressQuestion): Condition | undefined {
  const { deployment, counts, setName, news, nowMs } = question
  if (deployment.spec.progressDeadlineSeconds === noDeadline) return undefined
  const before = findCondition(deployment, 'Progressing')
  const subject = setName === undefined ? `Deployment ${deployment.metadata.name}` : `ReplicaSet ${setName}`
  const told = (status: Condition['status'], reason: ProgressReason, message: string) =>
    conditionAfter(before, status, progressReasons[reason], message, nowMs)
  if (news) return told(news.reason === 'failedCreate' ? 'False' : isPause(news.reason) ? 'Unknown' : 'True', news.reason, news.message)
  if (deployment.spec.paused) return before
  const wasComplete = before?.reason === progressReasons.available
  if (wasComplete && counts.replicas === counts.updatedReplicas) return before
  if (isComplete(deployment, counts)) return told('True', 'available', `${subject} has all its replicas, and they are available`)
  if (hasMoved(deployment, counts)) return told('True', 'updated', `${subject} is progressing`)
  if (deadlineMs(deployment, nowMs) === 0) return told('False', 'timedOut', `${subject} has made no progress for ${seconds(deployment)}`)
  return before
}

const isPause = (reason: ProgressReason) => reason === 'paused' || reason === 'resumed'
const seconds = ({ spec }: Deployment) => `${spec.progressDeadlineSeconds} seconds`

/** Milliseconds until the rollout counts as failed, 0 when it does; undefined where nothing is waited for. */
export function deadlineMs(deployment: Deployment, nowMs: number): number | undefined {
  const { progressDeadlineSeconds, paused } = deployment.spec
  const progressing = findCondition(deployment, 'Progressing')
  if (progressDeadlineSeconds === noDeadline || paused || progressing?.lastUpdateTime == null) return undefined
  if (progressing.reason === progressReasons.available || progressing.reason === progressReasons.timedOut) return undefined
  return Math.max(0, Date.parse(progressing.lastUpdateTime) + progressDeadlineSeconds * 1000 - nowMs)
}

/** Whether there is more of the new, or less of the old, than the status says. */
function hasMoved({ status = {} }: Deployment, counts: DeploymentCounts): boolean {
  const { replicas = 0, updatedReplicas = 0, readyReplicas = 0, availableReplicas = 0 } = status
  return (
    counts.updatedReplicas > updatedReplicas ||
    counts.replicas - counts.updatedReplicas < replicas - updatedReplicas ||
    counts.readyReplicas > readyReplicas ||
    counts.availableReplicas > availableReplicas
  )
}

function conditionAfter(
  before: Condition | undefined,
  status: Condition['status'],
  reason: string,
  message: string,
  nowMs: number,
): Condition {
  const now = timestamp(nowMs)
  const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? now) : now
  return { type: 'Progressing', status, reason, message, lastUpdateTime: now, lastTransitionTime }
}
