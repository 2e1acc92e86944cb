import type { Kind, KubeObject, Resource } from '../api/define-kind.js'
import type { ObjectName } from '../client/client.js'
import type { Cache } from './cache.js'

/** Objects of another kind that matter to a controller. */
export interface Watch {
  readonly kind: Kind
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
  /** The objects of `for` that a change concerns. */
  readonly concerns: (object: KubeObject, cache: Cache) => Iterable<ObjectName>
}

/**
 * Brings objects back when one of another kind changes. For a change, both the state before and the one after are asked about. A
 * cluster-scoped object is named by `{ name }`:
 *
 *     watch(Secret, (secret, cache) =>
 *       cache
 *         .list(WarmPool, secret.metadata.namespace)
 *         .filter((pool) => pool.spec.secretName === secret.metadata.name)
 *         .map((pool) => pool.metadata))
 */
export function watch<K extends Kind>(
  kind: K,
  concerns: (object: Resource<K>, cache: Cache) => Iterable<ObjectName>,
  selection: Pick<Watch, 'labelSelector' | 'fieldSelector'> = {},
): Watch {
  return { kind, ...selection, concerns: concerns as unknown as Watch['concerns'] }
}
