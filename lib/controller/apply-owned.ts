import type { Kind, KubeObject, Resource } from '../api/define-kind.js'
import { isApplied } from '../api/managed-fields/is-applied.js'
import type { ApplyConfiguration, Client } from '../client/client.js'
import type { InformerCache } from './cache.js'
import { controllerReference } from './owner-reference.js'

/** Any object may own others: what is looked at is its identity. */
export type Owner = Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>

export interface ApplyContext {
  readonly client: Client
  readonly cache: InformerCache
  /** The field manager: the controller's name. */
  readonly manager: string
  readonly signal: AbortSignal
}

/**
 * Makes an object have these fields, owned by `owner` and in its namespace unless the configuration says otherwise. Sends nothing when an informer shows
 * that nothing would differ, and returns its copy then, which nobody changes. A controller's own fields are its own: it takes them by force.
 */
export async function applyOwned<K extends Kind>(
  { client, cache, manager, signal }: ApplyContext,
  kind: K,
  configuration: ApplyConfiguration<K>,
  owner: Owner | undefined,
): Promise<Resource<K>> {
  const { metadata } = configuration
  if (!metadata?.name) throw new Error(`ctx.apply was asked for a ${kind.kind} without metadata.name`)
  if (!cache.has(kind))
    throw new Error(`ctx.apply was asked for a ${kind.kind}, and the controller does not follow ${kind.plural}: name the kind in its owns`)
  const namespace = kind.scope === 'Namespaced' ? (metadata.namespace ?? owner?.metadata.namespace ?? 'default') : undefined
  const complete = {
    ...configuration,
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    metadata: {
      ...metadata,
      ...(namespace === undefined ? {} : { namespace }),
      ...(owner === undefined ? {} : { ownerReferences: [...(metadata.ownerReferences ?? []), controllerReference(owner)] }),
    },
  }
  const wanted = complete as unknown as KubeObject
  const live = cache.get(kind, wanted.metadata) as KubeObject | undefined
  if (live && isApplied(kind, live, wanted, manager)) return live as unknown as Resource<K>
  return await client.of(kind).apply(complete, { fieldManager: manager, fieldValidation: 'Strict', force: true, signal })
}
