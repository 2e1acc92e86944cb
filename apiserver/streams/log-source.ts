import { waitingToStart } from '../../lib/api/api-error.js'
import type { Condition } from '../../lib/api/condition.js'
import type { Task } from '../../lib/api/kinds/task.js'
import { Vps } from '../../lib/api/kinds/vps.js'
import { hasBegun } from '../../lib/api/task-phase.js'
import type { StreamedWorkload } from './streamed-workload.js'

/** The agent that has the log, and the attempt that wrote it. */
export interface LogSource {
  readonly node: string
  readonly uid: string
  readonly attempt: number
}

/** Where the log of a Task or a Vps is. Throws BadRequest while nothing can have been written. Pure. */
export function logSourceOf({ kind, metadata, spec, status }: StreamedWorkload): LogSource {
  const subject = `${kind.toLowerCase()} "${metadata.name}"`
  const begun = kind === Vps.kind ? status?.startedAt !== undefined : hasBegun(status as Task['status'])
  if (!spec.nodeName) throw waiting(subject, 'it is not bound to a node', status?.conditions)
  if (!begun) throw waiting(subject, `node "${spec.nodeName}" has not started it`, status?.conditions)
  return { node: spec.nodeName, uid: metadata.uid, attempt: status?.attempt ?? 0 }
}

/** In the words of kubectl's users; the newest condition that does not hold says why. */
function waiting(subject: string, what: string, conditions: readonly Condition[] = []) {
  const why = conditions.findLast((condition) => condition.status !== 'True' && condition.message)?.message
  return waitingToStart(`${subject} is waiting to start: ${what}${why ? ` (${why})` : ''}`)
}
