import { compareText, type Entry, ObjectSet } from './object-set.js'
import type { ListQuery, StoredObject } from './store.js'

/** The live objects of one resource: by namespace and name, and by the values of indexed fields. */
export class ResourceView {
  private readonly namespaces = new Map<string, ObjectSet>()
  private readonly indexes: ReadonlyMap<string, Map<string, Set<Entry>>>
  private namespaceOrder: string[] | undefined
  private live = 0

  constructor(indexed: readonly string[]) {
    this.indexes = new Map(indexed.map((path) => [path, new Map()]))
  }

  get size(): number {
    return this.live
  }

  get(namespace: string, name: string): StoredObject | undefined {
    return this.namespaces.get(namespace)?.get(name)
  }

  put(object: StoredObject): void {
    const { namespace, name } = object.key
    let set = this.namespaces.get(namespace)
    if (!set) {
      set = new ObjectSet()
      this.namespaces.set(namespace, set)
      this.namespaceOrder = undefined
    }
    const before = set.get(name)
    const entry = set.put(object)
    if (!before) this.live++
    for (const [path, index] of this.indexes) {
      const from = before?.facets.fields[path]
      const to = object.facets.fields[path]
      if (before && from === to) continue
      if (from !== undefined) removeFrom(index, from, entry)
      if (to !== undefined) addTo(index, to, entry)
    }
  }

  delete(namespace: string, name: string): void {
    const set = this.namespaces.get(namespace)
    const before = set?.get(name)
    const entry = set?.delete(name)
    if (!set || !before || !entry) return
    this.live--
    for (const [path, index] of this.indexes) {
      const value = before.facets.fields[path]
      if (value !== undefined) removeFrom(index, value, entry)
    }
    if (set.size === 0) {
      this.namespaces.delete(namespace)
      this.namespaceOrder = undefined
    }
  }

  *scan(namespace?: string): Generator<StoredObject> {
    if (namespace !== undefined) {
      const set = this.namespaces.get(namespace)
      if (set) yield* set.values()
      return
    }
    for (const set of this.namespaces.values()) yield* set.values()
  }

  /** By namespace, then name; only keys above `after`; at most `limit`. */
  list(query: Pick<ListQuery, 'namespace' | 'indexed'>, after?: { namespace: string; name: string }, limit?: number): StoredObject[] {
    if (query.indexed) return this.listIndexed(query.indexed, query.namespace, after, limit)
    const objects: StoredObject[] = []
    for (const namespace of query.namespace === undefined ? this.orderedNamespaces() : [query.namespace]) {
      const order = after ? compareText(namespace, after.namespace) : 1
      if (order >= 0) this.namespaces.get(namespace)?.collect(objects, order === 0 ? after?.name : undefined, limit)
    }
    return objects
  }

  private listIndexed(
    indexed: { path: string; value: string },
    namespace: string | undefined,
    after?: { namespace: string; name: string },
    limit?: number,
  ): StoredObject[] {
    const objects: StoredObject[] = []
    for (const object of this.candidates(indexed)) {
      if (namespace !== undefined && object.key.namespace !== namespace) continue
      if (object.facets.fields[indexed.path] === indexed.value && (!after || compareNames(object.key, after) > 0)) objects.push(object)
    }
    objects.sort((a, b) => compareNames(a.key, b.key))
    return limit === undefined ? objects : objects.slice(0, limit)
  }

  /** A superset of the objects with the value: from the index where there is one, else all. */
  private *candidates(indexed: { path: string; value: string }): Generator<StoredObject> {
    const index = this.indexes.get(indexed.path)
    if (!index) return yield* this.scan()
    for (const entry of index.get(indexed.value) ?? []) if (entry.object) yield entry.object
  }

  private orderedNamespaces(): readonly string[] {
    this.namespaceOrder ??= [...this.namespaces.keys()].sort(compareText)
    return this.namespaceOrder
  }
}

/** By namespace, then name, in byte order. */
export function compareNames(a: { namespace: string; name: string }, b: { namespace: string; name: string }): number {
  return compareText(a.namespace, b.namespace) || compareText(a.name, b.name)
}

function addTo<T>(index: Map<string, Set<T>>, value: string, member: T): void {
  const members = index.get(value)
  if (members) members.add(member)
  else index.set(value, new Set([member]))
}

function removeFrom<T>(index: Map<string, Set<T>>, value: string, member: T): void {
  const members = index.get(value)
  members?.delete(member)
  if (members?.size === 0) index.delete(value)
}
