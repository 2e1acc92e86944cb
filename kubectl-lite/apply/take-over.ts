/**
 * From client-side to server-side apply, as kubectl does it: what the client-side manager has becomes what the server-side one applied
 * last; the annotation with the last manifest is kept by a manager of its own, so that either way of applying may follow.
 */
import { isConflict } from '../../lib/api/api-error.js'
import type { KubeObject } from '../../lib/api/define-kind.js'
import { childOf, differenceOf, type FieldSet, isMember, noFields, unionOf } from '../../lib/api/managed-fields/field-set.js'
import { type ManagedFieldsEntry, managedEntry, managedFieldsOf } from '../../lib/api/managed-fields/managed-entry.js'
import type { Cluster } from '../cluster/cluster.js'
import { getObject, patchObject } from '../cluster/objects.js'
import type { ManifestTarget } from './apply-manifest.js'
import { lastAppliedAnnotation } from './last-applied.js'

const annotationManager = 'kubectl-last-applied'
const annotationPath = ['f:metadata', 'f:annotations', `f:${lastAppliedAnnotation}`]
const annotationField: FieldSet = { 'f:metadata': { 'f:annotations': { [`f:${lastAppliedAnnotation}`]: noFields } } }
const maxConflicts = 5

/** The managers that applied the object client-side: those of updates that have the annotation. */
export function clientSideManagers(object: KubeObject): Set<string> {
  return new Set(
    managedFieldsOf(object)
      .filter((entry) => entry.operation === 'Update' && hasAnnotation(entry))
      .map(({ manager }) => manager),
  )
}

/** Takes over what was applied client-side. Returns whether there was any: then apply once more, so that what the manifest dropped goes. */
export async function takeOver(cluster: Cluster, { resource, at }: ManifestTarget, applied: KubeObject, manager: string): Promise<boolean> {
  if (clientSideManagers(applied).size === 0) return false
  const { client } = cluster
  const { apiVersion, kind, metadata } = applied
  const { name, namespace } = metadata
  const annotations = { [lastAppliedAnnotation]: metadata.annotations?.[lastAppliedAnnotation] }
  const kept = { apiVersion, kind, metadata: { name, namespace, annotations } }
  const isKept = managedFieldsOf(applied).some((entry) => entry.operation === 'Apply' && hasAnnotation(entry))
  let object = isKept ? applied : await patchObject(client, resource, at, 'apply', kept, { fieldManager: annotationManager })
  for (let conflicts = 0; ; conflicts++) {
    const patch = [
      { op: 'replace', path: '/metadata/managedFields', value: takenOver(object, manager) },
      { op: 'replace', path: '/metadata/resourceVersion', value: object.metadata.resourceVersion },
    ]
    try {
      await patchObject(client, resource, at, 'json', patch, { fieldManager: manager })
      return true
    } catch (error) {
      if (!isConflict(error) || conflicts >= maxConflicts) throw error
      object = await getObject(client, resource, at)
    }
  }
}

/** The entries with what the client-side managers have as part of what `manager` applied. */
function takenOver(object: KubeObject, manager: string): readonly ManagedFieldsEntry[] {
  const entries = managedFieldsOf(object)
  const names = clientSideManagers(object)
  const isOld = (entry: ManagedFieldsEntry) => entry.operation === 'Update' && !entry.subresource && names.has(entry.manager)
  const isOwn = (entry: ManagedFieldsEntry) => entry.operation === 'Apply' && !entry.subresource && entry.manager === manager
  const taken = entries.filter((entry) => isOld(entry) || isOwn(entry)).map(({ fieldsV1 }) => fieldsV1)
  const fields = differenceOf(taken.reduce(unionOf, noFields), annotationField)
  const own = managedEntry({ manager, operation: 'Apply', apiVersion: object.apiVersion }, fields, entries.find(isOwn)?.time)
  return [own, ...entries.filter((entry) => !isOld(entry) && !isOwn(entry))]
}

function hasAnnotation({ fieldsV1 }: ManagedFieldsEntry): boolean {
  let node: FieldSet | undefined = fieldsV1
  for (const element of annotationPath) node = node && childOf(node, element)
  return node !== undefined && isMember(node)
}
