import { isNotFound } from '../../lib/api/api-error.js'
import type { OwnerReference } from '../../lib/api/object-meta.js'
import type { Client } from '../../lib/client/client.js'
import type { EventRecorder } from '../../lib/client/events/event-recorder.js'
import { decideCollection, type OwnerState } from './decide-collection.js'
import { foregroundFinalizer, type GraphItem, type OwnerGraph, orphanFinalizer } from './owner-graph.js'
import { findOwner } from './owner-state.js'

export interface CollectContext {
  readonly client: Client
  readonly graph: OwnerGraph
  readonly events: EventRecorder
  readonly enqueue: (uids: readonly string[]) => void
}

/** Looks at one object and takes the step that is due. Throws a Conflict when it has changed since it was seen. */
export async function collect(context: CollectContext, uid: string, signal: AbortSignal): Promise<void> {
  const { graph } = context
  const item = graph.item(uid)
  if (!item) return
  const states = new Map<string, OwnerState>()
  if (!item.deleting) for (const owner of item.owners) states.set(owner.uid, await stateOf(context, item, owner, signal))
  const step = decideCollection(item, (ownerUid) => states.get(ownerUid) ?? 'unknown', graph.dependentsOf(uid))
  switch (step.type) {
    case 'none':
      return
    case 'orphan':
      for (const dependent of step.dependents)
        await patchOwners(context, dependent, (owner) => (owner.uid === uid ? undefined : owner), signal)
      return removeFinalizer(context, item, orphanFinalizer, signal)
    case 'finishForeground':
      return removeFinalizer(context, item, foregroundFinalizer, signal)
    case 'dropOwners':
      return patchOwners(context, item, (owner) => (step.uids.includes(owner.uid) ? undefined : owner), signal)
    case 'delete': {
      // The patch makes a new revision: the deletion follows when the watch has shown it.
      if (step.unblock && item.owners.some((owner) => owner.blockOwnerDeletion))
        return patchOwners(context, item, (owner) => ({ ...owner, blockOwnerDeletion: false }), signal)
      const preconditions = { uid: item.uid, resourceVersion: item.resourceVersion }
      await ignoreGone(context.client.of(kindOf(context, item)).delete(item, { preconditions, propagationPolicy: step.policy, signal }))
    }
  }
}

async function stateOf(
  { client, graph, events }: CollectContext,
  item: GraphItem,
  owner: OwnerReference,
  signal: AbortSignal,
): Promise<OwnerState> {
  const { state, elsewhere } = await findOwner(client, graph, item, owner, signal)
  if (elsewhere !== undefined && state === 'absent') {
    const { apiVersion, kind } = kindOf({ graph }, item)
    const message = `its owner ${owner.kind} ${owner.name} (uid ${owner.uid}) is in namespace "${elsewhere}", where it cannot own this object`
    events.record({ apiVersion, kind, metadata: item }, 'Warning', 'OwnerRefInvalidNamespace', message)
  }
  return state
}

async function patchOwners(
  context: CollectContext,
  item: GraphItem,
  change: (owner: OwnerReference) => OwnerReference | undefined,
  signal: AbortSignal,
): Promise<void> {
  const ownerReferences = item.owners.flatMap((owner) => change(owner) ?? [])
  await patchMetadata(context, item, { ownerReferences: ownerReferences.length > 0 ? ownerReferences : null }, signal)
}

async function removeFinalizer(context: CollectContext, item: GraphItem, finalizer: string, signal: AbortSignal): Promise<void> {
  const finalizers = item.finalizers.filter((name) => name !== finalizer)
  await patchMetadata(context, item, { finalizers: finalizers.length > 0 ? finalizers : null }, signal)
}

async function patchMetadata(context: CollectContext, item: GraphItem, change: object, signal: AbortSignal): Promise<void> {
  const { uid, resourceVersion } = item
  const patch = { metadata: { ...change, uid, resourceVersion } }
  await ignoreGone(context.client.of(kindOf(context, item)).mergePatch(item, patch, { signal }))
}

function kindOf({ graph }: Pick<CollectContext, 'graph'>, item: GraphItem) {
  const kind = graph.kinds.get(item.kind)
  if (!kind) throw new Error(`the kind ${item.kind} is not served any more`)
  return kind
}

async function ignoreGone(request: Promise<unknown>): Promise<void> {
  try {
    await request
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}
