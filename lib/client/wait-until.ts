import type { Kind, Resource } from '../api/define-kind.js'
import type { Client, ObjectName } from './client.js'
import { createInformer } from './informer/informer.js'

/**
 * Waits until an object is as it should be, by watching it:
 * `await waitUntil(client, Task, at, (task) => task?.status?.phase === 'Succeeded', signal)`. The predicate gets
 * undefined while the object does not exist. Resolves with what the predicate accepted; rejects with the signal's reason,
 * or with the answer that makes waiting pointless (Forbidden, …).
 */
export async function waitUntil<K extends Kind>(
  client: Client,
  kind: K,
  at: ObjectName,
  predicate: (object: Resource<K> | undefined) => boolean,
  signal: AbortSignal,
): Promise<Resource<K> | undefined> {
  const stop = new AbortController()
  const informer = createInformer(client, kind, {
    fieldSelector: `metadata.name=${at.name}`,
    ...(at.namespace === undefined ? {} : { namespace: at.namespace }),
  })
  const accepted = new Promise<Resource<K> | undefined>((resolve, reject) => {
    const judge = (object: Resource<K> | undefined) => {
      try {
        if (predicate(object)) resolve(object)
      } catch (error) {
        reject(error)
      }
    }
    informer.subscribe({ add: judge, update: judge, delete: () => judge(undefined) })
    informer.synced().then(() => {
      if (informer.lister.size === 0) judge(undefined)
    }, reject)
  })
  const following = informer.start(AbortSignal.any([signal, stop.signal]), { failFast: true }).then(() => Promise.reject(signal.reason))
  try {
    return await Promise.race([accepted, following])
  } finally {
    stop.abort()
    // What has lost the race is nobody's concern.
    accepted.catch(() => {})
    following.catch(() => {})
  }
}
