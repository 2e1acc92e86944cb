import type { Change, StoredObject } from '../../storage/store.js'
import type { SelectionSource } from '../list/selection.js'
import type { WatchGroup } from './watch-group.js'

/** Which groups a change of one resource may concern. A thousand agents that each watch their own node cost a change two look-ups. */
export class ResourceRoutes {
  readonly #scanned = new Set<WatchGroup>()
  /** By field path, then by the value that is asked for. */
  readonly #indexed = new Map<string, Map<string, Set<WatchGroup>>>()

  add({ term }: SelectionSource, group: WatchGroup): void {
    if (!term) {
      this.#scanned.add(group)
      return
    }
    const byValue = this.#indexed.get(term.path) ?? new Map<string, Set<WatchGroup>>()
    const groups = byValue.get(term.value) ?? new Set<WatchGroup>()
    this.#indexed.set(term.path, byValue.set(term.value, groups.add(group)))
  }

  delete({ term }: SelectionSource, group: WatchGroup): void {
    if (!term) {
      this.#scanned.delete(group)
      return
    }
    const byValue = this.#indexed.get(term.path)
    const groups = byValue?.get(term.value)
    if (!byValue || !groups) return
    groups.delete(group)
    if (groups.size === 0) byValue.delete(term.value)
    if (byValue.size === 0) this.#indexed.delete(term.path)
  }

  /** Every group that the change may concern; each still judges for itself. */
  candidates(change: Change): ReadonlySet<WatchGroup> {
    if (this.#indexed.size === 0) return this.#scanned
    const found = new Set(this.#scanned)
    for (const [path, byValue] of this.#indexed) {
      for (const group of byValue.get(valueAt(change.object, path)) ?? []) found.add(group)
      if (change.previous) for (const group of byValue.get(valueAt(change.previous, path)) ?? []) found.add(group)
    }
    return found
  }
}

function valueAt(object: StoredObject, path: string): string {
  if (path === 'metadata.name') return object.key.name
  if (path === 'metadata.namespace') return object.key.namespace
  return object.facets.fields[path] ?? ''
}
