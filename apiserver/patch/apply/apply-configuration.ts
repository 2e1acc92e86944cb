/**
 * Server-side apply: what becomes of an object, and of who manages its fields, when a manager applies a configuration.
 *
 * The configuration merges into the live object. What the manager applied before and does not apply now goes, unless another manager has it
 * too. A field that changes and that another manager has is a conflict; with force it is taken from that manager. Equal values are shared.
 *
 *     const { object, others, fields, conflicts } = applyConfiguration(schema, { live, configuration, entries, applier })
 */
import type { KubeObject } from '../../../lib/api/define-kind.js'
import { appliedFields } from '../../../lib/api/managed-fields/applied-fields.js'
import {
  comparedSet,
  differenceOf,
  type FieldSet,
  intersectionWith,
  isEmptySet,
  noFields,
  unionOfAll,
} from '../../../lib/api/managed-fields/field-set.js'
import { type FieldManager, isSameManager, type ManagedFieldsEntry, withoutFields } from '../../../lib/api/managed-fields/managed-entry.js'
import { trackedPart } from '../../../lib/api/managed-fields/tracked-part.js'
import type { JsonSchema } from '../../../lib/api/schema/json-schema.js'
import { compareFields } from './compare-fields.js'
import { mergeValues } from './merge-values.js'
import { removeFields, withDeclaredParents } from './remove-fields.js'

export interface Application {
  readonly live: KubeObject
  /** What is applied: identity, and fields without defaults. Not changed, and not shared with the outcome. */
  readonly configuration: KubeObject
  readonly entries: readonly ManagedFieldsEntry[]
  readonly applier: FieldManager
}

/** Fields of one other manager that would change. */
export interface FieldConflict {
  readonly manager: FieldManager
  readonly fields: FieldSet
}

export interface ApplyOutcome {
  /** The live object with what was applied. Shares with the live object what did not change. */
  readonly object: KubeObject
  /** The other managers, without what was taken from them or is no more. */
  readonly others: readonly ManagedFieldsEntry[]
  /** What the applier has now. */
  readonly fields: FieldSet
  /** The applier's entry so far. */
  readonly previous: ManagedFieldsEntry | undefined
  readonly conflicts: readonly FieldConflict[]
}

export function applyConfiguration(schema: JsonSchema, { live, configuration, entries, applier }: Application): ApplyOutcome {
  const liveFields = trackedPart(live)
  const applied = trackedPart(configuration)
  const fields = appliedFields(schema, configuration)
  const previous = entries.find((entry) => isSameManager(entry, applier))
  const others = entries.filter((entry) => entry !== previous)
  const merged = mergeValues(schema, liveFields, applied)
  const dropped = droppedFields(schema, previous?.fieldsV1 ?? noFields, [fields, ...others.map(({ fieldsV1 }) => fieldsV1)])
  const result = removeFields(schema, merged, dropped) as Record<string, unknown>
  const changes = compareFields(schema, liveFields, result)
  const [changed, removed] = [comparedSet(changes.changed), comparedSet(changes.removed)]
  const conflicts = others
    .map((manager) => ({ manager, fields: intersectionWith(manager.fieldsV1, changed) }))
    .filter((conflict) => !isEmptySet(conflict.fields))
  return {
    object: { ...result, apiVersion: live.apiVersion, kind: live.kind, metadata: withTracked(live, result) },
    others: others.map((entry) => withoutFields(withoutFields(entry, changed), removed)),
    fields,
    previous,
    conflicts,
  }
}

/** What was applied before and is nobody's now. */
function droppedFields(schema: JsonSchema, last: FieldSet, present: readonly FieldSet[]): FieldSet {
  if (isEmptySet(last)) return noFields
  return differenceOf(withDeclaredParents(schema, last), withDeclaredParents(schema, unionOfAll(present)))
}

/** The live metadata with the tracked fields of the result in place of its own. */
function withTracked(live: KubeObject, result: Record<string, unknown>): KubeObject['metadata'] {
  const own: Record<string, unknown> = { ...live.metadata }
  for (const field of Object.keys(trackedPart(live).metadata as object)) delete own[field]
  return { ...own, ...(result.metadata as object | undefined) } as KubeObject['metadata']
}
