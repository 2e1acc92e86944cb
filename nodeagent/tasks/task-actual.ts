import type { ObservedRun } from '../backends/backend.js'
import type { Remembered } from '../steps/remembered.js'
import type { Ledger } from './ledger.js'
import type { ProbeResults } from './probes/prober.js'
import type { TaskStepType } from './task-step.js'

interface Prepared {
  readonly admission: boolean
  readonly image: boolean
  readonly volumesOfAttempt: number | undefined
}

/** What is there of one workload on this node, and what this agent remembers of its own doing. The planner's second input. */
export interface TaskActual extends Remembered<TaskStepType, Prepared> {
  /** As the backends show them; of all attempts. */
  readonly runs: readonly ObservedRun[]
  readonly ledger: Ledger | undefined
  /** Which of the workload's files are there. */
  readonly files: { readonly any: boolean; readonly volumes: boolean }
  /** What the probes of the current run found. */
  readonly probes: ProbeResults
}

/** Nothing of it. */
export const nothing: TaskActual = {
  runs: [],
  ledger: undefined,
  files: { any: false, volumes: false },
  prepared: { admission: false, image: false, volumesOfAttempt: undefined },
  failures: [],
  probes: {},
}

/** Runs that may still do something. */
export const isAlive = (run: ObservedRun) => run.state === 'running' || run.state === 'paused' || run.state === 'unknown'
