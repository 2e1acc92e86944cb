import { isNotFound } from '../../lib/api/api-error.js'
import type { Kind, KubeObject } from '../../lib/api/define-kind.js'
import type { OwnerReference } from '../../lib/api/object-meta.js'
import type { Client } from '../../lib/client/client.js'
import { resourcePath } from '../../lib/client/resource-path.js'
import { kindOf } from '../../lib/client/watch/watch-source.js'
import { isDeletingForeground, type OwnerState } from './decide-collection.js'
import type { GraphItem, OwnerGraph } from './owner-graph.js'

export interface OwnerFinding {
  readonly state: OwnerState
  /** The owner is there, but in another namespace than the reference can mean. */
  readonly elsewhere?: string | undefined
}

/**
 * How an owner is. What the graph knows as there is there; before an owner counts as absent the API is asked, since the graph may be
 * behind. Owners of namespaced objects are looked for in the same namespace; objects of the cluster cannot have owners in a namespace.
 */
export async function findOwner(
  client: Client,
  graph: OwnerGraph,
  item: GraphItem,
  owner: OwnerReference,
  signal: AbortSignal,
): Promise<OwnerFinding> {
  const kind = graph.ownerKind(owner)
  if (!kind || (kind.scope === 'Namespaced' && item.namespace === '')) return { state: 'unknown' }
  const namespace = kind.scope === 'Namespaced' ? item.namespace : ''
  const known = graph.where(owner.uid)
  const elsewhere = known && known.namespace !== namespace ? known.namespace : undefined
  if (known?.name === owner.name && known.kind === kindOf(kind) && elsewhere === undefined) {
    const ownerItem = graph.item(owner.uid)
    return { state: ownerItem && isDeletingForeground(ownerItem) ? 'waiting' : 'there' }
  }
  return { state: (await isThere(client, kind, namespace, owner, signal)) ? 'there' : 'absent', elsewhere }
}

async function isThere(
  client: Client,
  kind: Kind,
  namespace: string,
  { name, uid }: OwnerReference,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const response = await client.raw({ method: 'GET', path: resourcePath(kind, { namespace, name }), signal })
    return (JSON.parse(await response.text()) as KubeObject).metadata.uid === uid
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}
