import type { StoredObject } from './store.js'

/** An object's place in the view. The place stays while the object changes; `object` is undefined once it is deleted. */
export interface Entry {
  object: StoredObject | undefined
}

/**
 * Objects by name, in name order on demand. The order is kept between lists and repaired by
 * merging what came since, so that listing costs a walk, not a sort.
 */
export class ObjectSet {
  private readonly byName = new Map<string, Entry>()
  private sorted: Entry[] = []
  private added: Entry[] = []
  private removals = 0

  get size(): number {
    return this.byName.size
  }

  get(name: string): StoredObject | undefined {
    return this.byName.get(name)?.object
  }

  /** Returns the entry that now holds the object. */
  put(object: StoredObject): Entry {
    const name = object.key.name
    const existing = this.byName.get(name)
    if (existing) {
      existing.object = object
      return existing
    }
    const entry = { object }
    this.byName.set(name, entry)
    this.added.push(entry)
    return entry
  }

  delete(name: string): Entry | undefined {
    const entry = this.byName.get(name)
    if (!entry) return undefined
    this.byName.delete(name)
    entry.object = undefined
    this.removals++
    if (this.removals > maxRemovals && this.removals > this.byName.size) this.inOrder()
    return entry
  }

  /** In no particular order. */
  *values(): Generator<StoredObject> {
    for (const entry of this.byName.values()) if (entry.object) yield entry.object
  }

  /** Appends the objects in name order to `target`, from the first name above `after`, until `target` has `limit`. */
  collect(target: StoredObject[], after?: string, limit = Number.POSITIVE_INFINITY): void {
    const entries = this.inOrder()
    for (let index = after === undefined ? 0 : firstAbove(entries, after); index < entries.length && target.length < limit; index++) {
      const object = entries[index]?.object
      if (object) target.push(object)
    }
  }

  private inOrder(): readonly Entry[] {
    if (this.added.length > 0 || this.removals > 0) {
      const kept = this.removals > 0 ? this.sorted.filter(isLive) : this.sorted
      this.sorted = insertAll(kept, this.added.filter(isLive))
      this.added = []
      this.removals = 0
    }
    return this.sorted
  }
}

/** Deleted entries are swept at the next list, or when there are more of them than this and than of live ones. */
const maxRemovals = 1000

const isLive = (entry: Entry) => entry.object !== undefined

/** The entries with others among them, in name order. Few are looked up in many: what lies between is copied. */
function insertAll(ordered: Entry[], added: Entry[]): Entry[] {
  if (added.length === 0) return ordered
  added.sort((a, b) => compareText(nameOf(a), nameOf(b)))
  const merged: Entry[] = []
  let copied = 0
  for (const entry of added) {
    const place = firstAbove(ordered, nameOf(entry), copied)
    while (copied < place) merged.push(ordered[copied++] as Entry)
    merged.push(entry)
  }
  while (copied < ordered.length) merged.push(ordered[copied++] as Entry)
  return merged
}

function firstAbove(entries: readonly Entry[], name: string, from = 0): number {
  let low = from
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const entry = entries[middle]
    if (entry && compareText(nameOf(entry), name) <= 0) low = middle + 1
    else high = middle
  }
  return low
}

const nameOf = (entry: Entry) => entry.object?.key.name ?? ''

/** The order of UTF-8 bytes, as the log's index has it. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0
  for (let index = 0; index < a.length && index < b.length; index++) {
    const left = a.charCodeAt(index)
    const right = b.charCodeAt(index)
    if (left !== right) return isSurrogate(left) === isSurrogate(right) ? left - right : isSurrogate(left) ? 1 : -1
  }
  return a.length - b.length
}

/** Code units of characters beyond U+FFFF sort after all others in UTF-8, but not in UTF-16. */
const isSurrogate = (unit: number) => unit >= 0xd800 && unit <= 0xdfff
