import type { AgentParts } from '../agent-parts.js'

/** What an executor works on: an object, and the backend that keeps what is there of it. */
export interface StepContext<T, B> {
  readonly parts: AgentParts
  readonly uid: string
  /** Undefined when the API binds no such object here. */
  readonly object: T | undefined
  /** Undefined when the node has no such backend. */
  readonly backend: B | undefined
  readonly signal: AbortSignal
  /** Aborted when the plan no longer begins with this step, where its rules say so: for what may be broken off when the whole may not. */
  readonly superseded: AbortSignal
  readonly onPullProgress: (text: string) => void
  /** Called with the object as it stands after a write. */
  readonly onWritten: (object: T) => void
  /** Called when the API says that it has no such object, or not for this node. */
  readonly onGone: () => void
}

/** One executor per type of step; the compiler refuses a type without one. */
export type Executors<S extends { readonly type: string }, T, B> = {
  readonly [Type in S['type']]: (step: Extract<S, { type: Type }>, context: StepContext<T, B>) => Promise<void>
}

/** The object that a step is for; a step of removal may have none. */
export function objectOf<T>({ object, uid }: StepContext<T, unknown>): T {
  if (!object) throw new Error(`the workload ${uid} is not known to the API`)
  return object
}
