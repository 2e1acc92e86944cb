import type { MachineAmounts, ObservedMachine } from '../backends/machine-backend.js'
import type { Remembered } from '../steps/remembered.js'
import type { MachineRecord } from './machine-record.js'
import type { MachineStepType } from './machine-step.js'

interface Prepared {
  readonly admission: boolean
  readonly image: boolean
}

/** What is there of one machine on this node, and what this agent remembers of its own doing. The planner's second input. */
export interface MachineActual extends Remembered<MachineStepType, Prepared> {
  readonly machine: ObservedMachine | undefined
  readonly record: MachineRecord | undefined
  /** Whether its backend gives a running machine other resources. */
  readonly resizesWhileRunning: boolean
  /** What its next start would give it, where that is when it gets other resources. */
  readonly atStart?: MachineAmounts | undefined
}

/** Nothing of it. */
export const noMachine: MachineActual = {
  machine: undefined,
  record: undefined,
  resizesWhileRunning: false,
  prepared: { admission: false, image: false },
  failures: [],
}
