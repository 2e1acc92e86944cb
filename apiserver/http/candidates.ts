import type { Store, StoredObject } from '../storage/store.js'
import { indexedTerm, type Selection } from './selection.js'

/** The current stored objects that a selection may be about, sorted, found by name or index where the selection names one. Each is still to be judged. */
export function candidatesOf(store: Store, selection: Selection): readonly StoredObject[] {
  const { source, namespace } = selection
  const term = indexedTerm(selection)
  if (term?.path === 'metadata.name' && (namespace !== '' || source.scope === 'Cluster')) {
    const found = store.get({ group: source.group, resource: source.plural, namespace, name: term.value })
    return found ? [found] : []
  }
  return store.list(listQuery(selection)).objects
}

/** The selection as far as the store understands it. */
export function listQuery(selection: Selection) {
  const { source, namespace } = selection
  const term = indexedTerm(selection)
  return {
    group: source.group,
    resource: source.plural,
    ...(namespace === '' ? {} : { namespace }),
    ...(term && source.indexed.includes(term.path) ? { indexed: term } : {}),
  }
}
