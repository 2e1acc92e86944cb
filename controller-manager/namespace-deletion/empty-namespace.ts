import { isNotFound, qualifiedResource } from '../../lib/api/api-error.js'
import type { Kind, KubeObject } from '../../lib/api/define-kind.js'
import type { Client } from '../../lib/client/client.js'
import { resourcePath } from '../../lib/client/resource-path.js'
import type { Failure, Remaining } from './decide-namespace.js'

interface RawList {
  readonly items: readonly Pick<KubeObject, 'metadata'>[]
  readonly metadata: { readonly remainingItemCount?: number }
}

/** So many objects are looked at to say what holds them. */
const sampleSize = 100

/** Asks all objects of the kinds in the namespace to go, and says what is left then. What fails for one kind does not keep the others. */
export async function emptyNamespace(
  client: Client,
  kinds: readonly Kind[],
  namespace: string,
  signal: AbortSignal,
): Promise<{ remaining: Remaining[]; failures: Failure[] }> {
  const remaining: Remaining[] = []
  const failures: Failure[] = []
  for (const kind of kinds) {
    if (kind.scope !== 'Namespaced') continue
    const resource = qualifiedResource({ group: kind.group, resource: kind.plural })
    try {
      let left = await list(client, kind, namespace, signal)
      if (left.items.length > 0) {
        await client.raw({ method: 'DELETE', path: resourcePath(kind, { namespace }), body: { propagationPolicy: 'Background' }, signal })
        left = await list(client, kind, namespace, signal)
      }
      remaining.push({
        resource,
        count: left.items.length + (left.metadata.remainingItemCount ?? 0),
        finalizers: countFinalizers(left.items),
      })
    } catch (error) {
      signal.throwIfAborted()
      // A kind that went away since discovery has no objects any more.
      if (!isNotFound(error)) failures.push(`${resource}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return { remaining, failures }
}

async function list(client: Client, kind: Kind, namespace: string, signal: AbortSignal): Promise<RawList> {
  const response = await client.raw({ method: 'GET', path: `${resourcePath(kind, { namespace })}?limit=${sampleSize}`, signal })
  return JSON.parse(await response.text()) as RawList
}

function countFinalizers(items: RawList['items']): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { metadata } of items) for (const finalizer of metadata.finalizers ?? []) counts[finalizer] = (counts[finalizer] ?? 0) + 1
  return counts
}
