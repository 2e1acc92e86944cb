import type { MachineAmounts, ObservedMachine } from '../backends/machine-backend.js'
import type { StepFailure } from '../plan/step-failure.js'
import type { MachineRecord } from './machine-record.js'
import type { MachineStepType } from './machine-step.js'

/** What is there of one machine on this node, and what this agent remembers of its own doing. The planner's second input. */
export interface MachineActual {
  readonly machine: ObservedMachine | undefined
  readonly record: MachineRecord | undefined
  /** Whether its backend gives a running machine other resources. */
  readonly resizesWhileRunning: boolean
  /** What its next start would give it, where that is when it gets other resources. */
  readonly atStart?: MachineAmounts | undefined
  /** What was made ready since the agent started; making it again does no harm. */
  readonly prepared: { readonly admission: boolean; readonly image: boolean }
  /** Steps that failed and have not succeeded since. */
  readonly failures: readonly StepFailure<MachineStepType>[]
  /** What an image pull last said. */
  readonly pullProgress?: string | undefined
}

/** Nothing of it. */
export const noMachine: MachineActual = {
  machine: undefined,
  record: undefined,
  resizesWhileRunning: false,
  prepared: { admission: false, image: false },
  failures: [],
}
