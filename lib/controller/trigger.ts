import type { KubeObject } from '../api/define-kind.js'
import type { Informer } from '../client/informer/informer.js'

/** Makes keys due while it is connected. Returns what disconnects it. */
export type Trigger = (enqueue: (key: string) => void) => () => void

/**
 * Each difference of the informer's objects makes the keys due that `keysOf` names; for an update, those of the state before too, since what
 * pointed at the object then may care as well. Objects that are there already count as additions.
 */
export function onChange<T extends Pick<KubeObject, 'metadata'>, IndexName extends string>(
  informer: Pick<Informer<T, IndexName>, 'subscribe'>,
  keysOf: (object: T) => readonly (string | undefined)[],
): Trigger {
  return (enqueue) => {
    const enqueueAll = (...objects: T[]) => {
      for (const key of new Set(objects.flatMap(keysOf))) if (key !== undefined) enqueue(key)
    }
    return informer.subscribe({
      add: (object) => enqueueAll(object),
      update: (object, previous) => enqueueAll(previous, object),
      delete: (object) => enqueueAll(object),
    })
  }
}
