import { conflict, notFound } from '../../lib/api/api-error.js'
import type { StoredObject } from '../storage/store.js'
import { type ObjectView, shownObject } from './object-view.js'

/**
 * Throws NotFound when the view shows nothing of what is stored, and Conflict
 * when it shows another object, or another state, than was meant.
 */
export function assertMeant(
  view: ObjectView,
  name: string,
  meant: { readonly uid?: string; readonly resourceVersion?: string },
  stored: StoredObject | undefined,
): void {
  const subject = { group: view.kind.group, resource: view.kind.plural, name }
  const shown = stored && shownObject(view, stored)
  if (!shown) throw notFound(subject)
  if (meant.uid && meant.uid !== shown.uid)
    throw conflict(
      subject,
      `the UID in the precondition (${meant.uid}) does not match the UID in record (${shown.uid}). The object might have been deleted and then recreated`,
    )
  if (meant.resourceVersion && meant.resourceVersion !== String(shown.revision))
    throw conflict(
      subject,
      `the ResourceVersion in the precondition (${meant.resourceVersion}) does not match the ResourceVersion in record (${shown.revision}). The object might have been modified`,
    )
}
