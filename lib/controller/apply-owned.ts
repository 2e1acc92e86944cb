import type { Kind, KubeObject, Resource } from '../api/define-kind.js'
import { isApplied } from '../api/managed-fields/is-applied.js'
import type { OwnerReference } from '../api/object-meta.js'
import type { ApplyConfiguration, Client } from '../client/client.js'
import { objectName } from '../client/resource-path.js'
import type { InformerCache } from './cache.js'
import { controllerOf, controllerReference } from './owner-reference.js'

/** Any object may own others: what is looked at is its identity. */
export type Owner = Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>

export interface ApplyContext {
  readonly client: Client
  readonly cache: InformerCache
  /** The field manager: the controller's name. */
  readonly manager: string
  readonly signal: AbortSignal
}

export interface Applied<K extends Kind> {
  /** As it is now; nobody changes it. */
  readonly object: Resource<K>
  /** It was there before, and had no controller. */
  readonly adopted: boolean
}

/**
 * Makes an object have these fields, owned by `owner` and in its namespace unless the configuration says otherwise. Sends
 * nothing when an informer shows that nothing would differ, and returns its copy then, which nobody changes. A
 * controller's own fields are its own: it takes them by force.
 */
export async function applyOwned<K extends Kind>(
  { client, cache, manager, signal }: ApplyContext,
  kind: K,
  configuration: ApplyConfiguration<K>,
  owner: Owner | undefined,
): Promise<Applied<K>> {
  const { metadata } = configuration
  if (!metadata?.name) throw new Error(`ctx.apply was asked for a ${kind.kind} without metadata.name`)
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
  if (owner) refuseWrongOwner(kind, wanted, owner, live)
  if (live && isApplied(kind, live, wanted, manager)) return { object: live as unknown as Resource<K>, adopted: false }
  const object = await client.of(kind).apply(complete, { fieldManager: manager, fieldValidation: 'Strict', force: true, signal })
  return { object, adopted: owner !== undefined && live !== undefined && !controllerOf(live) }
}

/** Kubernetes' owners live in the namespace of what they own, or in none; and one controller is enough. */
function refuseWrongOwner(kind: Kind, wanted: KubeObject, owner: Owner, live: KubeObject | undefined): void {
  const name = `${kind.kind} ${objectName(wanted)}`
  const ownerName = `${owner.kind} ${objectName(owner)}`
  if (live?.metadata.uid === owner.metadata.uid) throw new Error(`ctx.apply was asked for ${name} itself, which cannot be its own owner`)
  const { namespace } = owner.metadata
  if (namespace !== undefined && wanted.metadata.namespace !== namespace)
    throw new Error(
      `ctx.apply was asked for ${name}, which ${ownerName} cannot own: it is not in its namespace; use ctx.client, and finalize to clean up`,
    )
  const other = live && controllerOf(live)
  if (other && other.uid !== owner.metadata.uid && !isPredecessor(other, owner))
    throw new Error(`ctx.apply was asked for ${name} of ${ownerName}, and it is ${other.kind} ${other.name}'s already`)
}

/** An earlier object of the owner's name, whose things the collector has not taken away yet. */
function isPredecessor(other: OwnerReference, owner: Owner): boolean {
  return other.apiVersion === owner.apiVersion && other.kind === owner.kind && other.name === owner.metadata.name
}
