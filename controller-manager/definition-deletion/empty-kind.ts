import type { Kind, KubeObject } from '../../lib/api/define-kind.js'
import type { Client } from '../../lib/client/client.js'
import { resourcePath } from '../../lib/client/resource-path.js'

interface RawList {
  readonly items: readonly Pick<KubeObject, 'metadata'>[]
  readonly metadata: { readonly remainingItemCount?: number }
}

/** So many objects are looked at in one step. */
const sampleSize = 500

/** Asks objects of the kind to go, in every namespace that a first look shows, and says how many are left then. */
export async function emptyKind(client: Client, kind: Kind, signal: AbortSignal): Promise<number> {
  const found = await list(client, kind, signal)
  if (found.items.length === 0) return 0
  const namespaces = new Set(found.items.map(({ metadata }) => metadata.namespace))
  for (const namespace of namespaces)
    await client.raw({ method: 'DELETE', path: resourcePath(kind, { namespace }), body: { propagationPolicy: 'Background' }, signal })
  const left = await list(client, kind, signal)
  return left.items.length + (left.metadata.remainingItemCount ?? 0)
}

async function list(client: Client, kind: Kind, signal: AbortSignal): Promise<RawList> {
  const headers = { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' }
  const response = await client.raw({ method: 'GET', path: `${resourcePath(kind)}?limit=${sampleSize}`, headers, signal })
  return JSON.parse(await response.text()) as RawList
}
