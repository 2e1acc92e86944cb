import type { ReplicaSet } from '../../lib/api/kinds/replica-set.js'
import {
  desiredReplicasAnnotation,
  lastAppliedAnnotation,
  maxReplicasAnnotation,
  revisionAnnotation,
  revisionHistoryAnnotation,
  revisionOf,
} from '../../lib/api/revisions.js'
import type { Rollout } from './rollout.js'

type Annotations = Record<string, string>

/** What is the Deployment's or the set's alone. Everything else, as the cause of a change, is told of the set too. */
const notCopied: ReadonlySet<string> = new Set([
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
  lastAppliedAnnotation,
])

/**
 * The annotations that the set of the present template is to have: a revision above all others, so that going back to an earlier template
 * is a step forward; the revisions that it had before; and what people have noted on the Deployment.
 */
export function newSetAnnotations({ deployment, newSet, oldSets }: Rollout): Annotations {
  const next = Math.max(0, ...oldSets.map(revisionOf)) + 1
  const own = newSet?.metadata.annotations ?? {}
  const before = newSet ? revisionOf(newSet) : 0
  const copied = Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !notCopied.has(key))
  const annotations: Annotations = { ...own, ...Object.fromEntries(copied) }
  if (before >= next) return annotations
  annotations[revisionAnnotation] = String(next)
  if (before > 0) annotations[revisionHistoryAnnotation] = latestOf([own[revisionHistoryAnnotation], before].filter(Boolean).join(','))
  return annotations
}

/** Characters, as in Kubernetes: an annotation that grew for ever would be refused one day, and the rollout with it. */
const maxHistoryLength = 2_000

function latestOf(history: string): string {
  if (history.length <= maxHistoryLength) return history
  return history.slice(history.indexOf(',', history.length - maxHistoryLength - 1) + 1)
}

/** Old sets that nobody can go back to any more: beyond `revisionHistoryLimit`, with no task left, of the lowest revisions. */
export function decideCleanup({ deployment, oldSets }: Rollout): ReplicaSet[] {
  const { revisionHistoryLimit } = deployment.spec
  const there = oldSets.filter(({ metadata }) => !metadata.deletionTimestamp)
  const superfluous = there.sort((a, b) => revisionOf(a) - revisionOf(b)).slice(0, Math.max(0, there.length - revisionHistoryLimit))
  return superfluous.filter(
    ({ metadata, spec, status }) => spec.replicas === 0 && status?.replicas === 0 && status.observedGeneration === metadata.generation,
  )
}
