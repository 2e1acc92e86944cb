import { isEmptySet, unionOfAll } from '../../../lib/api/managed-fields/field-set.js'
import { type ManagedFieldsEntry, managedEntry } from '../../../lib/api/managed-fields/managed-entry.js'

/** Entries of updates that an object keeps apart; of more, the oldest become one. */
const maxUpdaters = 10
const oldUpdates = 'ancient-changes'

/** The entries that have fields, not too many, in the one order: applies before updates, then by time and name. */
export function arrangeEntries(entries: readonly ManagedFieldsEntry[]): readonly ManagedFieldsEntry[] {
  const kept = entries.filter(({ fieldsV1 }) => !isEmptySet(fieldsV1)).sort(compareEntries)
  const updates = kept.filter(({ operation }) => operation === 'Update')
  if (updates.length <= maxUpdaters) return kept
  const applies = kept.filter(({ operation }) => operation === 'Apply')
  return [...applies, ...joinOldest(updates)].sort(compareEntries)
}

/** The oldest updates, until the rest is few enough, as one entry for each version. */
function joinOldest(updates: readonly ManagedFieldsEntry[]): readonly ManagedFieldsEntry[] {
  const buckets = new Map<string, ManagedFieldsEntry[]>()
  let left = updates.length
  const rest = updates.filter((entry) => {
    if (left <= maxUpdaters) return true
    const bucket = buckets.get(entry.apiVersion)
    if (!bucket) buckets.set(entry.apiVersion, [entry])
    else {
      bucket.push(entry)
      left--
    }
    return false
  })
  return [...[...buckets.values()].map(joinEntries), ...rest]
}

/** As the newest of them. */
function joinEntries(entries: readonly ManagedFieldsEntry[]): ManagedFieldsEntry {
  const { apiVersion = '', time } = entries.at(-1) ?? {}
  return managedEntry({ manager: oldUpdates, operation: 'Update', apiVersion }, unionOfAll(entries.map(({ fieldsV1 }) => fieldsV1)), time)
}

function compareEntries(left: ManagedFieldsEntry, right: ManagedFieldsEntry): number {
  return (
    compareText(left.operation, right.operation) ||
    compareText(left.time ?? '', right.time ?? '') ||
    compareText(left.manager, right.manager) ||
    compareText(left.apiVersion, right.apiVersion) ||
    compareText(left.subresource ?? '', right.subresource ?? '')
  )
}

const compareText = (left: string, right: string) => (left < right ? -1 : left > right ? 1 : 0)
