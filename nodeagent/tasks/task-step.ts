import type { RunId } from '../backends/backend.js'
import type { WaitStep } from '../steps/step-failure.js'

/**
 * What the agent does next about a workload, as data. Each type has one executor
 * (task-executors.ts; the compiler checks that). Any step may be repeated.
 */
export type TaskStep =
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
  /** Gives back the address of a task that has ended. */
  | { readonly type: 'releaseAddress' }
  /** Removes everything that the agent holds of the workload: ledger, logs, volumes. */
  | { readonly type: 'removeFiles' }
  | { readonly type: 'releaseFinalizer' }
  | WaitStep

/** Waiting is the loop's own affair. */
export type ExecutableTaskStep = Exclude<TaskStep, WaitStep>
export type TaskStepType = ExecutableTaskStep['type']
