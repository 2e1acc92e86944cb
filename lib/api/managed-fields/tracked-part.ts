import type { KubeObject } from '../define-kind.js'

/** What of an object can belong to a manager: not what names it, and not what the server alone writes. Shares all that it holds. */
export function trackedPart(object: KubeObject): Record<string, unknown> {
  const { apiVersion: _apiVersion, kind: _kind, metadata, ...rest } = object
  return { ...rest, metadata: trackedMetadata(metadata) }
}

function trackedMetadata(metadata: Partial<KubeObject['metadata']>): Record<string, unknown> {
  const tracked: Record<string, unknown> = {}
  for (const field of ['generateName', 'labels', 'annotations', 'ownerReferences', 'finalizers'] as const)
    if (metadata[field] !== undefined) tracked[field] = metadata[field]
  return tracked
}
