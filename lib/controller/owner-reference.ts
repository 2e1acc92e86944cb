import type { KubeObject } from '../api/define-kind.js'
import type { OwnerReference } from '../api/object-meta.js'

type Owned = { readonly metadata: Pick<KubeObject['metadata'], 'ownerReferences'> }
type Owner = Pick<KubeObject, 'apiVersion' | 'kind'> & { readonly metadata: Pick<KubeObject['metadata'], 'name' | 'uid'> }

/** A reference to the owner that manages an object: when the owner goes, so does the object. */
export function controllerReference(owner: Owner): OwnerReference {
  const { name, uid } = owner.metadata
  return { apiVersion: owner.apiVersion, kind: owner.kind, name, uid, controller: true, blockOwnerDeletion: true }
}

/** The owner that manages the object, if one does. */
export function controllerOf(object: Owned): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller)
}

/** Whether this very owner (by uid, not by name) is among the object's owners. */
export function isOwnedBy(object: Owned, owner: { readonly metadata: { readonly uid: string } }): boolean {
  return object.metadata.ownerReferences?.some((reference) => reference.uid === owner.metadata.uid) ?? false
}

/** Uids of all owners; an index over it answers "what does this object own?". */
export function ownerUids(object: Owned): string[] {
  return object.metadata.ownerReferences?.map((reference) => reference.uid) ?? []
}
