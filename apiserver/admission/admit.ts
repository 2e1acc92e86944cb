/**
 * Admission: an ordered list of small pure functions. Each looks at one write in the committer's turn and throws an ApiError to refuse it.
 * Nothing is changed here; what completes an object is a strategy.
 *
 *     const admission: Admit[] = [namespaceSecurity, nodeRestriction]
 */
import type { Kind, KubeObject } from '../../lib/api/define-kind.js'
import type { UserInfo } from '../auth/user.js'
import type { Target } from '../registry/registry.js'
import type { ReadView } from '../storage/store.js'

export interface AdmissionReview {
  readonly operation: 'create' | 'update' | 'delete' | 'bind'
  readonly kind: Kind
  readonly subresource: Target['subresource']
  readonly namespace: string
  readonly name: string
  /** The object as it would be stored; absent for delete. */
  readonly object: KubeObject | undefined
  /** The object as it is stored; absent for create. */
  readonly old: KubeObject | undefined
  readonly user: UserInfo
  /** Committed state plus what the same batch has decided. */
  readonly view: ReadView
}

export type Admit = (review: AdmissionReview) => void
