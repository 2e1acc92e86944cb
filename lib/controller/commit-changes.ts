import type { Kind, KubeObject, Resource } from '../api/define-kind.js'
import type { Client } from '../client/client.js'
import { mergePatchBetween } from './merge-patch-between.js'

/**
 * Writes what a pass changed in its private copy: one patch of the status, or one of the rest, or nothing when nothing differs (both only
 * when both changed). Each patch carries the revision and uid that the pass looked at: if the object has changed since, it is a Conflict,
 * and the next pass decides anew. Resolves with the object as it then is.
 */
export async function commitChanges<K extends Kind>(
  client: Client,
  kind: K,
  before: Resource<K>,
  after: Resource<K>,
  signal?: AbortSignal,
): Promise<Resource<K>> {
  const objects = client.of(kind)
  const options = { fieldValidation: 'Strict', ...(signal && { signal }) } as const
  const at = { namespace: before.metadata.namespace, name: before.metadata.name }
  const [restBefore, statusBefore] = splitStatus(kind, before)
  const [restAfter, statusAfter] = splitStatus(kind, after)
  let current = before

  const rest = mergePatchBetween(restBefore, restAfter)
  if (rest) current = await objects.mergePatch(at, guarded(rest, current), options)

  const status = mergePatchBetween({ status: statusBefore }, { status: statusAfter })
  if (status) current = await objects.mergePatch(at, guarded(status, current), { ...options, subresource: 'status' })
  return current
}

/** Kinds without a status subresource have one part only. */
function splitStatus(kind: Kind, object: { metadata: object }): [rest: object, status: unknown] {
  if (!kind.subresources.includes('status')) return [object, undefined]
  const { status, ...rest } = object as KubeObject
  return [rest, status]
}

function guarded(patch: Record<string, unknown>, seen: { metadata: KubeObject['metadata'] }): object {
  const { uid, resourceVersion } = seen.metadata
  return { ...patch, metadata: { ...(patch.metadata as object | undefined), uid, resourceVersion } }
}
