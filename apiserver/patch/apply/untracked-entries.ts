import type { KubeObject } from '../../../lib/api/define-kind.js'
import { differenceOf, isEmptySet, unionOf } from '../../../lib/api/managed-fields/field-set.js'
import { type FieldManager, type ManagedFieldsEntry, managedEntry } from '../../../lib/api/managed-fields/managed-entry.js'
import { trackedPart } from '../../../lib/api/managed-fields/tracked-part.js'
import type { JsonSchema } from '../../../lib/api/schema/json-schema.js'
import { arrangeEntries } from './arrange-entries.js'
import { compareFields } from './compare-fields.js'
import { lastAppliedAnnotationField, lastAppliedFields } from './last-applied.js'

/** One entry for all that an object has. */
export function wholeObjectEntries(schema: JsonSchema, object: KubeObject, manager: FieldManager, time: string): ManagedFieldsEntry[] {
  const { changed } = compareFields(schema, { metadata: {} }, trackedPart(object))
  return isEmptySet(changed) ? [] : [managedEntry(manager, changed, time)]
}

/**
 * The managers of an object that was not tracked until now: what an annotation of client-side apply tells is that manager's, so that
 * kubectl can take it over; the rest is nobody's in particular.
 */
export function untrackedEntries(schema: JsonSchema, live: KubeObject, time: string): readonly ManagedFieldsEntry[] {
  const { apiVersion } = live
  const nobody: FieldManager = { manager: 'before-first-apply', operation: 'Update', apiVersion }
  const [whole] = wholeObjectEntries(schema, live, nobody, time)
  const annotation = lastAppliedAnnotationField(live)
  if (!whole || isEmptySet(annotation)) return whole ? [whole] : []
  const applied = unionOf(lastAppliedFields(schema, live), annotation)
  const clientSide: FieldManager = { ...nobody, manager: 'kubectl-client-side-apply' }
  return arrangeEntries([managedEntry(clientSide, applied, time), { ...whole, fieldsV1: differenceOf(whole.fieldsV1, applied) }])
}
