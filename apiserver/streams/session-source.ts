import { badRequest } from '../../lib/api/api-error.js'
import type { StreamedWorkload } from './streamed-workload.js'

/** The agent that has the run, and the attempt that it is of. */
export interface SessionSource {
  readonly node: string
  readonly uid: string
  readonly attempt: number
}

/** Where somebody can speak with a Task or a Vps. Throws BadRequest unless it runs. Pure. */
export function sessionSourceOf({ kind, metadata, spec, status }: StreamedWorkload): SessionSource {
  const phase = status?.phase ?? 'Pending'
  if (!spec.nodeName || phase !== 'Running')
    throw badRequest(`${kind.toLowerCase()} "${metadata.name}" is not running: its phase is ${phase}${hint(phase)}`)
  return { node: spec.nodeName, uid: metadata.uid, attempt: status?.attempt ?? 0 }
}

function hint(phase: string): string {
  if (phase === 'Paused') return ' (spec.suspend resumes it)'
  return phase === 'Stopped' ? ' (spec.running starts it)' : ''
}
