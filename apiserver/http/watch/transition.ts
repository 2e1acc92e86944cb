import type { Change, StoredObject } from '../../storage/store.js'
import { withRevision } from '../../storage/with-revision.js'
import type { Selection } from '../list/selection.js'

/** What a change means to somebody who watches selections. */
export interface Transition {
  readonly type: Change['type']
  readonly object: StoredObject
}

/**
 * Entering the selections is ADDED, staying MODIFIED, leaving DELETED (with the last content that matched and the new revision). Undefined
 * when the change does not concern them.
 */
export function transitionOf(change: Change, selections: readonly Selection[]): Transition | undefined {
  const { object, previous } = change
  const selects = (candidate: StoredObject) => selections.some((selection) => selection.matches(candidate))
  if (change.type === 'ADDED') return selects(object) ? { type: 'ADDED', object } : undefined
  const before = selects(previous ?? object)
  if (change.type === 'DELETED') return before ? { type: 'DELETED', object } : undefined
  const now = selects(object)
  if (now) return { type: before ? 'MODIFIED' : 'ADDED', object }
  return before && previous ? { type: 'DELETED', object: withRevision(previous, change.revision) } : undefined
}
