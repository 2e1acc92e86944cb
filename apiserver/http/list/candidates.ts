import type { ListQuery, Store, StoredObject } from '../../storage/store.js'
import { comparePlaces, firstAfter, type ListPlace, placeBehind } from './list-place.js'
import type { Selection, SelectionSource } from './selection.js'

/**
 * The current stored objects that a selection may be about, of those after a place, in the order in which they are shown; found by name or
 * index where the selection names one. Each is still to be judged.
 */
export function candidatesOf(store: Store, selection: Selection, after?: ListPlace): readonly StoredObject[] {
  const lists = selection.sources.map((source) => ({ ...source, objects: candidatesIn(store, selection.namespace, source, after) }))
  const [first, ...others] = lists.filter(({ objects }) => objects.length > 0)
  if (!first || others.length === 0) return first?.objects ?? []
  return [first, ...others]
    .flatMap(({ prefix, objects }) =>
      objects.map((object) => ({ object, namespace: object.key.namespace, name: `${prefix}${object.key.name}` })),
    )
    .sort(comparePlaces)
    .map(({ object }) => object)
}

function candidatesIn(store: Store, namespace: string, source: SelectionSource, after: ListPlace | undefined): readonly StoredObject[] {
  const objects = namedOrListed(store, namespace, source)
  return after ? objects.slice(firstAfter(objects, placeBehind(after, source.prefix))) : objects
}

function namedOrListed(store: Store, namespace: string, source: SelectionSource): readonly StoredObject[] {
  const { kind, term } = source
  if (term?.path !== 'metadata.name' || (namespace === '' && kind.scope !== 'Cluster'))
    return store.list(listQuery(namespace, source)).objects
  const found = store.get({ group: kind.group, resource: kind.plural, namespace, name: term.value })
  return found ? [found] : []
}

/** One kind's part of a selection, as far as the store understands it. */
export function listQuery(namespace: string, { kind, term }: SelectionSource): ListQuery {
  return {
    group: kind.group,
    resource: kind.plural,
    ...(namespace === '' ? {} : { namespace }),
    ...(term && kind.indexed.includes(term.path) ? { indexed: term } : {}),
  }
}
