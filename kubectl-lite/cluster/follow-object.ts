import { isExpired, isNotFound } from '../../lib/api/api-error.js'
import type { KubeObject } from '../../lib/api/define-kind.js'
import { queryString, resourcePath } from '../../lib/client/resource-path.js'
import type { Cluster } from './cluster.js'
import { getObject, listObjects } from './objects.js'
import type { Target } from './target-objects.js'
import { watchFrames } from './watch-frames.js'

/**
 * Follows one object until `done` says so; undefined stands for its absence. Resolves with what
 * `done` accepted. Aborting the signal rejects with its reason.
 */
export async function followObject(
  cluster: Cluster,
  target: Target,
  done: (object: KubeObject | undefined) => boolean,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  const { client } = cluster
  const selector = { namespace: target.namespace, fieldSelector: `metadata.name=${target.name}` }
  for (;;) {
    signal.throwIfAborted()
    const list = await listObjects(client, target.resource, selector)
    const [object] = list.items
    if (done(object)) return object
    const path = `${resourcePath(target.resource, { namespace: target.namespace })}${queryString({ fieldSelector: selector.fieldSelector })}`
    try {
      for await (const frame of watchFrames(client, { path, resourceVersion: list.resourceVersion, signal })) {
        const next = frame.type === 'DELETED' ? undefined : (frame.object as KubeObject)
        if (done(next)) return next
      }
    } catch (error) {
      if (!isExpired(error)) throw error
    }
  }
}

/** Resolves when the object with this uid is no longer there; another one of the same name counts as gone. */
export async function untilGone(cluster: Cluster, target: Target, uid: string | undefined, signal: AbortSignal): Promise<void> {
  const gone = (object: KubeObject | undefined): boolean => object === undefined || (uid !== undefined && object.metadata.uid !== uid)
  try {
    if (gone(await getObject(cluster.client, target.resource, target))) return
  } catch (error) {
    if (isNotFound(error)) return
    throw error
  }
  await followObject(cluster, target, gone, signal)
}
