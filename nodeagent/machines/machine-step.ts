import type { WaitStep } from '../steps/step-failure.js'

/** What a disk is put back from: the name of a VpsSnapshot and the request, as spec.restoreFrom has them. */
export interface RestoreOrder {
  readonly name: string
  readonly request?: string | undefined
}

/**
 * What the agent does next about a machine, as data. Each type has one executor
 * (machine-executors.ts; the compiler checks that). Any step may be repeated.
 */
export type ExecutableMachineStep =
  /** Asks whether the namespace admits what the machine wants of the node, and whether the node has it. */
  | { readonly type: 'admit' }
  | { readonly type: 'prepareImage' }
  /** Makes the disk, of the image or of a snapshot, and everything but the start. */
  | { readonly type: 'create'; readonly from?: RestoreOrder }
  /** Writes down what is there and was not: a machine whose start got through unseen, or all of a machine. */
  | { readonly type: 'adopt' }
  | { readonly type: 'start'; readonly streak: number }
  | { readonly type: 'stop'; readonly graceMs: number }
  | { readonly type: 'resize' }
  | { readonly type: 'reset'; readonly request: string }
  | { readonly type: 'restore'; readonly from: RestoreOrder }
  /** Removes the machine with its disk. */
  | { readonly type: 'remove' }
  /** Releases its address, and removes the agent's records of it. */
  | { readonly type: 'forget' }
  | { readonly type: 'releaseFinalizer' }

export type MachineStep = ExecutableMachineStep | WaitStep
export type MachineStepType = ExecutableMachineStep['type']
