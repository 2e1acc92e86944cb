import { sameValue } from '../../lib/api/json/same-value.js'
import type { ObjectMeta, ObjectMetaInput, OwnerReference } from '../../lib/api/object-meta.js'
import { timestamp } from '../../lib/base/clock.js'

/** What the server writes into the metadata of a new object. */
export interface Birth {
  readonly uid: string
  readonly nowMs: number
  readonly namespace: string
  readonly name: string
}

/** Metadata of a new object: what the client may choose, and what the server sets. */
export function newMetadata(input: ObjectMetaInput, birth: Birth): ObjectMeta {
  return arrange({
    ...input,
    name: birth.name,
    namespace: birth.namespace === '' ? undefined : birth.namespace,
    uid: birth.uid,
    generation: 1,
    creationTimestamp: timestamp(birth.nowMs),
    deletionTimestamp: undefined,
    deletionGracePeriodSeconds: undefined,
    managedFields: undefined,
  })
}

/** Metadata of a changed object: what the client may change, and the rest as it was. */
export function changedMetadata(input: ObjectMetaInput, old: ObjectMeta): ObjectMeta {
  return arrange({
    ...input,
    name: old.name,
    generateName: old.generateName,
    namespace: old.namespace,
    uid: old.uid,
    generation: old.generation,
    creationTimestamp: old.creationTimestamp,
    deletionTimestamp: old.deletionTimestamp,
    deletionGracePeriodSeconds: old.deletionGracePeriodSeconds,
    managedFields: old.managedFields,
  })
}

/**
 * The one order of the fields, without what is empty, and without what is never stored: resourceVersion (the committer's) and selfLink.
 */
export function arrange(metadata: ObjectMetaInput): ObjectMeta {
  const arranged: ObjectMetaInput = {
    name: metadata.name,
    generateName: metadata.generateName,
    namespace: metadata.namespace,
    uid: metadata.uid,
    generation: metadata.generation,
    creationTimestamp: metadata.creationTimestamp,
    deletionTimestamp: metadata.deletionTimestamp,
    deletionGracePeriodSeconds: metadata.deletionGracePeriodSeconds,
    labels: metadata.labels,
    annotations: metadata.annotations,
    ownerReferences: metadata.ownerReferences,
    finalizers: Array.isArray(metadata.finalizers) ? [...new Set(metadata.finalizers)] : metadata.finalizers,
    managedFields: metadata.managedFields,
  }
  return Object.fromEntries(Object.entries(arranged).filter(([, value]) => !isEmpty(value))) as ObjectMeta
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true
  return typeof value === 'object' && Object.keys(value).length === 0
}

/** Owner references without repetitions, and whether there were any. */
export function dedupOwners(owners: unknown): { owners: OwnerReference[]; dropped: boolean } | undefined {
  if (!Array.isArray(owners) || owners.length < 2 || owners.length > maxOwnersCompared) return undefined
  const kept = owners.filter((owner, index) => !owners.slice(0, index).some((earlier) => sameValue(earlier, owner)))
  return { owners: kept, dropped: kept.length < owners.length }
}

/** Above this, repetitions are refused by the schema instead of dropped: the comparison is quadratic. */
const maxOwnersCompared = 64
