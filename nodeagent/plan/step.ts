import type { RunId } from '../backends/backend.js'

/** What the agent does next about a workload, as data. Each type has one executor (execute/executors.ts; the compiler checks that). Any step may be repeated. */
export type Step =
  /** Asks whether the namespace admits what the task wants of the node. */
  | { readonly type: 'admit' }
  | { readonly type: 'prepareImage'; readonly image: string; readonly policy: 'Always' | 'IfNotPresent' | 'Never' }
  | { readonly type: 'prepareVolumes'; readonly attempt: number }
  /** Writes the run into the ledger, then creates and starts it. */
  | { readonly type: 'start'; readonly id: RunId; readonly streak: number }
  | { readonly type: 'pause'; readonly id: RunId }
  | { readonly type: 'resume'; readonly id: RunId }
  | { readonly type: 'stop'; readonly id: RunId; readonly graceMs: number }
  /** Removes what the backend holds of a run that has ended, with its log files. */
  | { readonly type: 'removeRun'; readonly id: RunId }
  | { readonly type: 'removeVolumes' }
  /** Removes everything that the agent holds of the workload: ledger, logs, volumes. */
  | { readonly type: 'removeFiles' }
  | { readonly type: 'releaseFinalizer' }
  /** Nothing to do before this time; wall clock, milliseconds. */
  | { readonly type: 'wait'; readonly untilMs: number }

export type StepType = Step['type']
export type StepOf<T extends StepType> = Extract<Step, { type: T }>

/** Whether two steps are the same; a step under way goes on while the plan still begins with it. */
export function isSameStep(a: Step | undefined, b: Step | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
