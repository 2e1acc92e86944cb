import type { Store, StoredObject } from '../storage/store.js'
import { indexedTerm, type Selection } from './selection.js'

/** The current objects that a selection may match, sorted, found by name or index where the selection names one. Each is still to be judged. */
export function candidatesOf(store: Store, selection: Selection): readonly StoredObject[] {
  const { kind, namespace } = selection
  const term = indexedTerm(selection)
  if (term?.path === 'metadata.name' && (namespace !== '' || kind.scope === 'Cluster')) {
    const found = store.get({ group: kind.group, resource: kind.plural, namespace, name: term.value })
    return found ? [found] : []
  }
  return store.list(listQuery(selection)).objects
}

/** The selection as far as the store understands it. */
export function listQuery(selection: Selection) {
  const { kind, namespace } = selection
  const term = indexedTerm(selection)
  return {
    group: kind.group,
    resource: kind.plural,
    ...(namespace === '' ? {} : { namespace }),
    ...(term && kind.indexed.includes(term.path) ? { indexed: term } : {}),
  }
}
