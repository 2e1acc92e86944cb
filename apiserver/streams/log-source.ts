import { waitingToStart } from '../../lib/api/api-error.js'
import type { Condition } from '../../lib/api/condition.js'
import type { Task } from '../../lib/api/kinds/task.js'
import { hasBegun } from '../../lib/api/task-phase.js'

/** The agent that has the log, and the attempt that wrote it. */
export interface LogSource {
  readonly node: string
  readonly uid: string
  readonly attempt: number
}

/** Where the log of a Task is. Throws BadRequest while nothing can have been written. Pure. */
export function logSourceOf({
  metadata,
  spec,
  status,
}: Pick<Task, 'metadata' | 'spec'> & { status?: Task['status'] | undefined }): LogSource {
  if (!spec.nodeName) throw waiting(metadata.name, 'it is not bound to a node', status?.conditions)
  if (!hasBegun(status)) throw waiting(metadata.name, `node "${spec.nodeName}" has not started it`, status?.conditions)
  return { node: spec.nodeName, uid: metadata.uid, attempt: status?.attempt ?? 0 }
}

/** In the words of kubectl's users; the newest condition that does not hold says why. */
function waiting(name: string, what: string, conditions: readonly Condition[] = []) {
  const why = conditions.findLast((condition) => condition.status !== 'True' && condition.message)?.message
  return waitingToStart(`task "${name}" is waiting to start: ${what}${why ? ` (${why})` : ''}`)
}
