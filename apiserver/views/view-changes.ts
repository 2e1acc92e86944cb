import type { Change, StoredObject } from '../storage/store.js'
import { withRevision } from '../storage/with-revision.js'
import { type ObjectView, shownObject } from './object-view.js'

/**
 * A change as those see it who look through the view: nothing, one change, or two when one object of the view follows another in the same
 * write. The first of two then has the revision before, so that whoever has seen it alone, and resumes there, gets both again.
 */
export function viewChanges(view: ObjectView, { type, revision, object, previous }: Change): readonly Change[] {
  const before = previous && shownObject(view, previous)
  if (type === 'DELETED') {
    const last = shownObject(view, object)
    return last ? [{ type, revision, object: last, ...(before ? { previous: before } : {}) }] : []
  }
  const now = shownObject(view, object)
  if (before && now && before.uid === now.uid) return [{ type: 'MODIFIED', revision, object: now, previous: before }]
  return [
    ...(before ? [deleted(before, now ? revision - 1 : revision)] : []),
    ...(now ? [{ type: 'ADDED', revision, object: now } as const] : []),
  ]
}

function deleted(last: StoredObject, revision: number): Change {
  return { type: 'DELETED', revision, object: withRevision(last, revision), previous: last }
}
