import type { KubeObject } from '../../../lib/api/define-kind.js'
import { nodeCleanupFinalizer } from '../../../lib/api/kinds/workload.js'
import { shortDuration } from '../../../lib/api/short-duration.js'
import type { Reason } from './why.js'

/** Why an object that is being deleted is still there: one reason per finalizer. */
export function deletionReasons(object: KubeObject, about: string, nowMs: number): Reason[] {
  const { deletionTimestamp, finalizers = [] } = object.metadata
  if (!deletionTimestamp) return []
  const since = shortDuration(Math.max(0, nowMs - Date.parse(deletionTimestamp)))
  const inSpec = (object.spec as { finalizers?: string[] } | undefined)?.finalizers ?? []
  return [...finalizers, ...inSpec].map((finalizer) => ({
    source: 'finalizer',
    about,
    text: `being deleted for ${since}; waits for ${meanings[finalizer] ?? `whoever removes the finalizer ${finalizer}`}`,
    time: deletionTimestamp,
    isObstacle: true,
  }))
}

const meanings: Readonly<Record<string, string>> = {
  [nodeCleanupFinalizer]: "its node's agent to remove everything of it from the node",
  foregroundDeletion: 'the objects that it owns to be deleted first',
  orphan: 'the objects that it owns to be released',
  kubernetes: 'everything in the namespace to be deleted',
}
