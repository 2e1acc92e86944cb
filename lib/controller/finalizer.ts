import type { KubeObject } from '../api/define-kind.js'

type Finalized = { metadata: Pick<KubeObject['metadata'], 'finalizers' | 'deletionTimestamp'> }

/** Whether somebody asked for the object's deletion. */
export function isBeingDeleted(object: Finalized): boolean {
  return Boolean(object.metadata.deletionTimestamp)
}

export function hasFinalizer(object: Finalized, finalizer: string): boolean {
  return object.metadata.finalizers?.includes(finalizer) ?? false
}

/** Adds a finalizer to a private copy. */
export function addFinalizer(draft: Finalized, finalizer: string): void {
  if (!hasFinalizer(draft, finalizer)) draft.metadata.finalizers = [...(draft.metadata.finalizers ?? []), finalizer]
}

/** Removes a finalizer from a private copy; the last one takes the list with it. */
export function removeFinalizer(draft: Finalized, finalizer: string): void {
  const rest = draft.metadata.finalizers?.filter((name) => name !== finalizer)
  draft.metadata.finalizers = rest && rest.length > 0 ? rest : undefined
}
