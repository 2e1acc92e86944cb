import { foregroundFinalizer, type GraphItem, orphanFinalizer } from './owner-graph.js'

/**
 * What is known of one owner: `there`; `waiting`: being deleted in the foreground, so its dependents go first; `absent`: there is no such
 * object, under this uid, where the reference looks for it; `unknown`: its kind is not served, so nothing can be said.
 */
export type OwnerState = 'there' | 'waiting' | 'absent' | 'unknown'

export type CollectionStep =
  | { readonly type: 'none' }
  /** Takes this owner out of the references of its dependents, then removes the finalizer `orphan`. */
  | { readonly type: 'orphan'; readonly dependents: readonly GraphItem[] }
  /** Nothing blocks the foreground deletion any more. */
  | { readonly type: 'finishForeground' }
  /** Takes owners that are gone, or going, out of the references: others keep the object. */
  | { readonly type: 'dropOwners'; readonly uids: readonly string[] }
  | {
      readonly type: 'delete'
      readonly policy: 'Background' | 'Foreground' | 'Orphan'
      /** The object and its owner wait for each other: it stops blocking its owners first. */
      readonly unblock: boolean
    }

/**
 * What the collector does about one object. `stateOf` tells of each owner by uid; `dependents` are the objects that name it as their owner.
 */
export function decideCollection(
  item: GraphItem,
  stateOf: (ownerUid: string) => OwnerState,
  dependents: readonly GraphItem[],
): CollectionStep {
  if (item.deleting) return decideDeleting(item, dependents)
  const states = item.owners.map(({ uid }) => ({ uid, state: stateOf(uid) }))
  const going = states.filter(({ state }) => state === 'absent' || state === 'waiting')
  if (going.length === 0) return { type: 'none' }
  if (going.length < states.length) return { type: 'dropOwners', uids: going.map(({ uid }) => uid) }
  if (going.some(({ state }) => state === 'waiting') && dependents.length > 0)
    return { type: 'delete', policy: 'Foreground', unblock: dependents.some(isDeletingForeground) }
  if (item.finalizers.includes(orphanFinalizer)) return { type: 'delete', policy: 'Orphan', unblock: false }
  return { type: 'delete', policy: item.finalizers.includes(foregroundFinalizer) ? 'Foreground' : 'Background', unblock: false }
}

function decideDeleting(item: GraphItem, dependents: readonly GraphItem[]): CollectionStep {
  if (item.finalizers.includes(orphanFinalizer)) return { type: 'orphan', dependents }
  if (!item.finalizers.includes(foregroundFinalizer)) return { type: 'none' }
  return dependents.some((dependent) => blocks(dependent, item.uid)) ? { type: 'none' } : { type: 'finishForeground' }
}

export const isDeletingForeground = (item: GraphItem): boolean => item.deleting && item.finalizers.includes(foregroundFinalizer)

const blocks = (dependent: GraphItem, ownerUid: string) =>
  dependent.owners.some((owner) => owner.uid === ownerUid && owner.blockOwnerDeletion === true)
