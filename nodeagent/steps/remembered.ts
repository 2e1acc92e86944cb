import type { StepFailure } from './step-failure.js'

/** What a loop remembers of its own doing: what no look shows, and its planner needs. */
export interface Remembered<Type extends string, Prepared extends { readonly image: boolean } = { readonly image: boolean }> {
  /** What was made ready since the agent started; making it again does no harm. */
  readonly prepared: Prepared
  /** Steps that failed and have not succeeded since. */
  readonly failures: readonly StepFailure<Type>[]
  /** What an image pull last said. */
  readonly pullProgress?: string | undefined
}
