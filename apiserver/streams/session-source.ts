import { badRequest } from '../../lib/api/api-error.js'
import type { Task } from '../../lib/api/kinds/task.js'

/** The agent that has the run, and the attempt that it is of. */
export interface SessionSource {
  readonly node: string
  readonly uid: string
  readonly attempt: number
}

/** Where somebody can speak with a Task. Throws BadRequest unless it runs. Pure. */
export function sessionSourceOf({
  metadata,
  spec,
  status,
}: Pick<Task, 'metadata' | 'spec'> & { status?: Task['status'] | undefined }): SessionSource {
  const phase = status?.phase ?? 'Pending'
  if (!spec.nodeName || phase !== 'Running')
    throw badRequest(
      `task "${metadata.name}" is not running: its phase is ${phase}${phase === 'Paused' ? ' (spec.suspend resumes it)' : ''}`,
    )
  return { node: spec.nodeName, uid: metadata.uid, attempt: status?.attempt ?? 0 }
}
