import { createHash } from 'node:crypto'
import { findCondition } from '../../../lib/api/condition.js'
import { containerNameOf } from '../../../lib/api/container-name.js'
import type { Kind, KubeObject } from '../../../lib/api/define-kind.js'
import { disruptionOf } from '../../../lib/api/disruption.js'
import { Pod } from '../../../lib/api/kinds/pod.js'
import { Task } from '../../../lib/api/kinds/task.js'
import type { ObjectMeta } from '../../../lib/api/object-meta.js'
import type { ObjectView, ViewSource } from '../object-view.js'
import { podLogQuery } from './pod-log-query.js'
import { podSpec } from './pod-spec.js'
import { podStatus } from './pod-status.js'
import { shownMetadata } from './shown-metadata.js'
import { vpsAsPod } from './vps-as-pod.js'

/** Each Task as a Pod, one for each attempt, and each Vps that runs. */
export const podView: ObjectView = {
  kind: Pod as unknown as Kind,
  sources: [taskAsPod(), vpsAsPod],
  containerOf: (pod) => containerNameOf(pod.metadata),
  logQuery: (pod, query) => podLogQuery(pod as unknown as Pod, query),
}

/** An attempt that eviction ended has no Pod. */
function taskAsPod(): ViewSource {
  return {
    kind: Task as unknown as Kind,
    prefix: '',
    onDelete: 'delete',
    hasObject(stored) {
      const phase = stored.facets.fields['status.phase']
      // Only an ended attempt can have been evicted, and few were: most objects need not be parsed to know.
      if ((phase !== 'Failed' && phase !== 'Succeeded') || !stored.bytes.includes(evictedText)) return true
      return !isEvicted(JSON.parse(stored.bytes.toString()) as Task)
    },
    objectOf: (task) => podOf(task as unknown as Task) as unknown as KubeObject,
  }
}
const evictedText = Buffer.from('"Evicted"')

/** Whether the attempt has ended and was evicted, be it that this ended it or that it came after. */
function isEvicted(task: Task): boolean {
  const complete = findCondition(task, 'Complete')
  return complete?.status === 'True' && (complete.reason === 'Evicted' || disruptionOf(task)?.reason === 'Evicted')
}

/** The Pod that stands for the present attempt of a Task. */
export function podOf(task: Task): Pod {
  return { apiVersion: Pod.apiVersion, kind: Pod.kind, metadata: podMetadata(task), spec: podSpec(task), status: podStatus(task) }
}

function podMetadata({ metadata, status }: Task): ObjectMeta {
  return { ...shownMetadata(metadata), uid: podUid(metadata.uid, status?.attempt ?? 0) }
}

/** The first attempt's uid is the Task's; later ones have uids of their own, the same at every read. */
export function podUid(uid: string, attempt: number): string {
  if (attempt === 0) return uid
  const hex = createHash('sha256').update(`${uid}/${attempt}`).digest('hex')
  // Version 8 (made by a rule of one's own) and the variant of RFC 9562.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
