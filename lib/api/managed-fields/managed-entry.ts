import { type ComparedSet, differenceFrom, type FieldSet } from './field-set.js'

/** One manager of an object's fields, as metadata.managedFields has it. */
export interface ManagedFieldsEntry {
  readonly manager: string
  /** Apply: what the manager last applied; Update: what it has set by other writes. */
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly time?: string
  readonly fieldsType?: string
  readonly fieldsV1: FieldSet
  readonly subresource?: string
}

/** Who writes, and in which way: one name that applies and updates, or that writes the object and its status, is as many managers. */
export type FieldManager = Pick<ManagedFieldsEntry, 'manager' | 'operation' | 'apiVersion' | 'subresource'>

/** Appliers are the same in every version of the kind. */
export function isSameManager(left: FieldManager, right: FieldManager): boolean {
  return (
    left.manager === right.manager &&
    left.operation === right.operation &&
    (left.subresource ?? '') === (right.subresource ?? '') &&
    (left.operation === 'Apply' || left.apiVersion === right.apiVersion)
  )
}

/** An entry with these fields, its members in the order in which Kubernetes writes them. */
export function managedEntry(
  { manager, operation, apiVersion, subresource }: FieldManager,
  fieldsV1: FieldSet,
  time?: string,
): ManagedFieldsEntry {
  return {
    manager,
    operation,
    apiVersion,
    ...(time ? { time } : {}),
    fieldsType: 'FieldsV1',
    fieldsV1,
    ...(subresource ? { subresource } : {}),
  }
}

/** The entry without these fields; itself when there are none. */
export function withoutFields(entry: ManagedFieldsEntry, fields: ComparedSet): ManagedFieldsEntry {
  return fields.isEmpty ? entry : { ...entry, fieldsV1: differenceFrom(entry.fieldsV1, fields) }
}

/** The entries of an object; none where nothing is tracked. */
export function managedFieldsOf(object: { readonly metadata: { readonly managedFields?: unknown } }): readonly ManagedFieldsEntry[] {
  return (object.metadata.managedFields ?? []) as readonly ManagedFieldsEntry[]
}
