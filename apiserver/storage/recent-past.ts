import type { CurrentView } from './current-view.js'
import type { RecentChanges } from './recent-changes.js'
import { compareNames } from './resource-view.js'
import type { ListQuery, StoredObject } from './store.js'

/** What to list, and as of when. */
export interface PastQuery extends ListQuery {
  readonly revision: number
  readonly after?: { readonly namespace: string; readonly name: string } | undefined
  readonly limit?: number | undefined
}

/**
 * The list as it was a moment ago, made of the present one and of what has changed since: what a client needs that pages through a list
 * while others write. Undefined when some of those changes are no longer in memory.
 */
export function listRecentPast(view: CurrentView, recent: RecentChanges, query: PastQuery, present: number): StoredObject[] | undefined {
  const then = changedSince(recent, query, present)
  if (!then) return undefined
  const { after, limit = Number.POSITIVE_INFINITY } = query
  const now = view.list(query, after, limit + then.size)
  const unchanged = then.size === 0 ? now : now.filter(({ key }) => !then.has(nameOf(key)))
  const restored = [...then.values()].filter((object) => object !== undefined && selects(query, object)) as StoredObject[]
  restored.sort((a, b) => compareNames(a.key, b.key))
  return merge(unchanged, restored, limit)
}

/** What each changed object above `after` was at the revision, by name; undefined: it was not there. */
function changedSince(
  recent: RecentChanges,
  { group, resource, namespace, revision, after }: PastQuery,
  present: number,
): Map<string, StoredObject | undefined> | undefined {
  const changes = recent.since(group, resource, revision, present)
  if (!changes) return undefined
  const then = new Map<string, StoredObject | undefined>()
  for (const { type, object, previous } of changes) {
    const { key } = object
    if (namespace !== undefined && key.namespace !== namespace) continue
    if (after && compareNames(key, after) <= 0) continue
    const name = nameOf(key)
    if (then.has(name)) continue
    if (type !== 'ADDED' && !previous) return undefined
    then.set(name, previous)
  }
  return then
}

const nameOf = ({ namespace, name }: StoredObject['key']) => `${namespace}/${name}`

function selects({ indexed }: PastQuery, object: StoredObject): boolean {
  return !indexed || object.facets.fields[indexed.path] === indexed.value
}

/** The first `limit` of both, in order. */
function merge(some: readonly StoredObject[], others: readonly StoredObject[], limit: number): StoredObject[] {
  const merged: StoredObject[] = []
  let next = 0
  for (const object of some) {
    for (let other = others[next]; other && compareNames(other.key, object.key) < 0; other = others[++next]) merged.push(other)
    if (merged.length >= limit) break
    merged.push(object)
  }
  for (let other = others[next]; other && merged.length < limit; other = others[++next]) merged.push(other)
  return merged.length > limit ? merged.slice(0, limit) : merged
}
