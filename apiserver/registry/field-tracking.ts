/**
 * Who manages which fields, entered into metadata.managedFields by every write to an object that is tracked. An object is tracked from its
 * creation when the client names a fieldManager, else from the first apply; of others nothing is recorded, and it costs nothing.
 */
import type { KubeObject } from '../../lib/api/define-kind.js'
import { sameValue } from '../../lib/api/json/same-value.js'
import { type FieldManager, type ManagedFieldsEntry, managedFieldsOf } from '../../lib/api/managed-fields/managed-entry.js'
import { trackedPart } from '../../lib/api/managed-fields/tracked-part.js'
import { validateManagedFields } from '../../lib/api/managed-fields/validate-managed-fields.js'
import type { JsonSchema } from '../../lib/api/schema/json-schema.js'
import { arrangeEntries } from '../patch/apply/arrange-entries.js'
import { compareFields, type FieldChanges } from '../patch/apply/compare-fields.js'
import { trackUpdate } from '../patch/apply/track-update.js'
import { wholeObjectEntries } from '../patch/apply/untracked-entries.js'
import type { RequestContext, Target } from './registry.js'
import { type ResourceRules, refuse } from './resource-rules.js'

/** A write that has been worked out but for managedFields. */
export interface TrackedWrite {
  readonly base: KubeObject
  readonly next: KubeObject
  /** What the client asked for, before the server's own fields were put back. */
  readonly wanted: KubeObject
  /** Whether anything but managedFields differs between `base` and `next`. */
  readonly differs: boolean
  readonly time: string
}

/** The entries after a write; undefined: none are kept. */
export type Track = (write: TrackedWrite) => readonly ManagedFieldsEntry[] | undefined

/** Tracks a PUT or a patch: what it changes is the writer's. A body may edit the entries, and forget them all with [] or [{}]. */
export function trackWrite(target: Target, context: RequestContext): Track {
  const { kind, subresource } = target
  return ({ base, next, wanted, differs, time }) => {
    const live = base.metadata.managedFields && managedFieldsOf(base)
    const given = subresource === '' ? wanted.metadata.managedFields : undefined
    const entries = given === undefined || sameValue(given, live) ? live : givenEntries(target, wanted, live)
    if (!entries || !differs) return entries
    return trackUpdate(entries, changesOf(kind.schema, base, next), writerOf(target, context), time)
  }
}

/** What is recorded of a creation: all that the client gave, defaults included. `object` is as before the kind's strategy completes it. */
export function trackCreation(
  { kind, strategy }: Pick<ResourceRules, 'kind' | 'strategy'>,
  object: KubeObject,
  context: RequestContext,
): readonly ManagedFieldsEntry[] | undefined {
  if (!context.namesFieldManager) return undefined
  const created = { ...object }
  strategy.prepareApply?.(created)
  return wholeObjectEntries(kind.schema, created, writerOf({ kind, subresource: '' }, context), object.metadata.creationTimestamp)
}

/** Who writes by an update, and through which part of the object. */
function writerOf({ kind, subresource }: Pick<Target, 'kind' | 'subresource'>, { fieldManager }: RequestContext): FieldManager {
  return { manager: fieldManager, operation: 'Update', apiVersion: kind.apiVersion, ...(subresource === '' ? {} : { subresource }) }
}

const changesOf = (schema: JsonSchema, base: KubeObject, next: KubeObject): FieldChanges =>
  compareFields(schema, trackedPart(base), trackedPart(next))

function givenEntries({ kind, name }: Target, wanted: KubeObject, live: readonly ManagedFieldsEntry[] | undefined) {
  const given = managedFieldsOf(wanted)
  if (given.every((entry) => Object.keys(entry).length === 0) && given.length < 2) return undefined
  refuse(kind, name, validateManagedFields(given))
  const entries = arrangeEntries(given)
  return entries.length > 0 ? entries : live
}
