import { comparedSet, isEmptySet, noFields, unionOf } from '../../../lib/api/managed-fields/field-set.js'
import {
  type FieldManager,
  isSameManager,
  type ManagedFieldsEntry,
  managedEntry,
  withoutFields,
} from '../../../lib/api/managed-fields/managed-entry.js'
import { arrangeEntries } from './arrange-entries.js'
import type { FieldChanges } from './compare-fields.js'

/** The managers after a write that was no apply: what it changed is the writer's alone, what it removed is nobody's. */
export function trackUpdate(
  entries: readonly ManagedFieldsEntry[],
  { changed, removed }: FieldChanges,
  writer: FieldManager,
  time: string,
): readonly ManagedFieldsEntry[] {
  const previous = entries.find((entry) => isSameManager(entry, writer))
  const [taken, gone] = [comparedSet(changed), comparedSet(removed)]
  const others = entries.filter((entry) => entry !== previous).map((entry) => withoutFields(withoutFields(entry, taken), gone))
  const kept = previous && withoutFields(previous, gone)
  if (isEmptySet(changed)) return arrangeEntries([...others, ...(kept ? [kept] : [])])
  return arrangeEntries([...others, managedEntry(writer, unionOf(kept?.fieldsV1 ?? noFields, changed), time)])
}
