import type { StatusCause } from '../../../lib/api/api-error.js'
import type { KubeObject } from '../../../lib/api/define-kind.js'
import type { UserInfo } from '../../auth/user.js'
import type { ReadView } from '../../storage/store.js'
import type { Target } from '../registry.js'

/** What a strategy may know of the write. */
export interface WriteFacts {
  readonly user: UserInfo
  readonly nowMs: number
}

export interface UpdateFacts extends WriteFacts {
  readonly subresource: Target['subresource']
  /** Whether the client named the resourceVersion that it had read. */
  readonly guarded: boolean
}

/**
 * What one kind needs beyond its declaration. Every function is pure but for the object that it is
 * given to prepare, which nobody else holds. Most kinds have none.
 */
export interface Strategy {
  /** Completes a new object: defaults, server-set fields and an empty status are there, validation follows. */
  prepareCreate?(object: KubeObject, facts: WriteFacts): void
  /** Brings an applied configuration, which may be a part of an object only, into the form in which it is stored. */
  prepareApply?(configuration: KubeObject): void
  /** Completes a change: metadata and the part that the subresource may not touch are already as before. */
  prepareUpdate?(object: KubeObject, old: KubeObject, facts: UpdateFacts): void
  /**
   * Completes what depends on other objects, in the committer's turn: with everything that was decided
   * before in `view`. Replaces fields, and changes nothing in them.
   */
  settle?(object: KubeObject, view: ReadView, nowMs: number): void
  /** Rules that need the object alone, beyond the kind's own `validate`. `old` is absent on create. */
  validate?(object: KubeObject, old: KubeObject | undefined): StatusCause[]
  /** Rules about what may follow what. */
  validateUpdate?(object: KubeObject, old: KubeObject, facts: UpdateFacts): StatusCause[]
  /** Throws an ApiError when this object may not be deleted. */
  checkDelete?(object: KubeObject): void
  /** How long a deleted object has to end, where there is something to end and the request does not say. */
  graceSeconds?(object: KubeObject): number
  /** Marks the object when its deletion begins. */
  prepareDelete?(object: KubeObject): void
  /** Whether something other than metadata.finalizers still holds a deletion. */
  holdsDeletion?(object: KubeObject): boolean
  /** Selectable fields that are no plain paths. */
  fields?(object: KubeObject): Record<string, string>
  /** What it alone may hold, beyond the kind's `unique`: see storage/claims.ts. */
  claims?(object: KubeObject): readonly string[]
}
