import type { Backend, ObservedRun } from '../backends/backend.js'
import type { AgentParts } from '../execute/workload-context.js'

/** Which attempt of which workload the server asks about. */
export interface RunSubject {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly attempt: number
}

/** The runs of an attempt, the newest first, and the backend that has them. */
export interface FoundRuns {
  readonly backend: Backend
  readonly runs: readonly ObservedRun[]
}

/** Undefined when the node has none. */
export async function findRuns(
  { namespace, name, uid, attempt }: RunSubject,
  { backends }: Pick<AgentParts, 'backends'>,
  signal: AbortSignal,
): Promise<FoundRuns | undefined> {
  for (const backend of backends.values()) {
    const runs = (await backend.observe(signal, uid))
      .filter((run) => run.id.uid === uid && run.id.attempt === attempt && run.namespace === namespace && run.name === name)
      .sort((a, b) => b.id.run - a.id.run)
    if (runs.length > 0) return { backend, runs }
  }
  return undefined
}
