import type { Kind, KubeObject, Resource } from '../api/define-kind.js'
import { isApplied } from '../api/managed-fields/is-applied.js'
import type { ApplyConfiguration, Client } from '../client/client.js'
import type { WatchedKind } from '../client/informer/informer.js'
import { objectName } from '../client/resource-path.js'
import { controllerReference, isOwnedBy } from './owner-reference.js'

/** Any object may own others: what is looked at is its identity. */
export type Owner = Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>

export interface ApplyContext {
  readonly client: Client
  readonly informers: readonly WatchedKind[]
  /** The field manager: the controller's name. */
  readonly manager: string
  readonly signal: AbortSignal
}

/**
 * Makes an object have these fields, owned by `owner` and in its namespace unless the configuration says otherwise. Sends nothing when an informer shows
 * that nothing would differ, and returns its copy then, which nobody changes. A controller's own fields are its own: it takes them by force.
 */
export async function applyOwned<K extends Kind>(
  { client, informers, manager, signal }: ApplyContext,
  kind: K,
  configuration: ApplyConfiguration<K>,
  owner: Owner | undefined,
): Promise<Resource<K>> {
  const { metadata } = configuration
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
  const live = informerOf(informers, kind)?.lister.get(objectName(wanted)) as KubeObject | undefined
  if (live && isApplied(kind, live, wanted, manager)) return live as unknown as Resource<K>
  return await client.of(kind).apply(complete, { fieldManager: manager, force: true, signal })
}

/** The objects of a kind that this very owner owns, as an informer shows them; nobody changes them. Throws when no informer follows the kind. */
export function ownedObjects<K extends Kind>(informers: readonly WatchedKind[], kind: K, owner: Owner): Resource<K>[] {
  const informer = informerOf(informers, kind)
  if (!informer) throw new Error(`the controller has no informer of ${kind.plural}: what is owned cannot be told`)
  const { namespace } = owner.metadata
  const candidates = namespace === undefined ? informer.lister.list() : informer.lister.inNamespace(namespace)
  return (candidates as KubeObject[]).filter((object) => isOwnedBy(object, owner)) as unknown as Resource<K>[]
}

function informerOf(informers: readonly WatchedKind[], { apiVersion, kind }: Kind): WatchedKind | undefined {
  return informers.find((informer) => informer.kind.apiVersion === apiVersion && informer.kind.kind === kind)
}
