import type { KubeObject } from '../../lib/api/define-kind.js'
import { matchesLabels } from '../../lib/api/label-selector.js'
import { type LabelSelectorObject, selectorOf } from '../../lib/api/label-selector-object.js'
import { controllerOf } from '../../lib/controller/owner-reference.js'

export interface Claims<T> {
  /** Those that it manages already and that its selector still matches. */
  readonly own: readonly T[]
  /** Those that match and that nobody manages. */
  readonly adopt: readonly T[]
  /** Those that it manages and that its selector matches no longer. */
  readonly release: readonly T[]
}

/** An owner that says by labels what is its own. */
export interface Claimant extends Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'> {
  readonly spec: { readonly selector: LabelSelectorObject }
}
type Claimed = { readonly metadata: KubeObject['metadata'] }

/**
 * What belongs to an owner with a selector, by controller reference: orphans that match are adopted, own ones that
 * match no longer are released, and what has another owner, is in another namespace or is being deleted is nobody's to
 * adopt. An owner that is being deleted neither adopts nor releases.
 */
export function decideClaims<T extends Claimed>(owner: Claimant, candidates: readonly T[]): Claims<T> {
  const selector = selectorOf(owner.spec.selector)
  const isGoing = owner.metadata.deletionTimestamp != null
  const claims = { own: [] as T[], adopt: [] as T[], release: [] as T[] }
  for (const candidate of candidates) {
    const { namespace, labels, deletionTimestamp } = candidate.metadata
    if (namespace !== owner.metadata.namespace) continue
    const manager = controllerOf(candidate)
    const matches = matchesLabels(selector, labels ?? {})
    if (manager) {
      if (manager.uid === owner.metadata.uid) claims[matches || isGoing ? 'own' : 'release'].push(candidate)
    } else if (matches && !isGoing && deletionTimestamp == null) claims.adopt.push(candidate)
  }
  return claims
}
