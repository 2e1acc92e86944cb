import { isConflict, isForbidden, isNotFound } from '../../lib/api/api-error.js'
import { nodeCleanupFinalizer } from '../../lib/api/kinds/workload.js'
import type { ObjectMeta } from '../../lib/api/object-meta.js'
import type { StatusClient } from './status-reporter.js'
import { objectOf, type StepContext } from './step-context.js'

/** Takes the agent's finalizer from the object, and tells what then stands of it. */
export async function releaseFinalizer<T extends { readonly metadata: ObjectMeta }>(
  objects: StatusClient<T>,
  context: StepContext<T, unknown>,
): Promise<void> {
  const left = await withoutFinalizer(objects, objectOf(context), context.signal)
  return left ? context.onWritten(left) : context.onGone()
}

/** Undefined when it is gone, or not this node's any more. */
async function withoutFinalizer<T extends { readonly metadata: ObjectMeta }>(
  objects: StatusClient<T>,
  known: T,
  signal: AbortSignal,
): Promise<T | undefined> {
  try {
    for (let object = known; ; ) {
      const { name, namespace, uid, resourceVersion, finalizers = [] } = object.metadata
      if (uid !== known.metadata.uid) return undefined
      const rest = finalizers.filter((finalizer) => finalizer !== nodeCleanupFinalizer)
      if (rest.length === finalizers.length) return object
      try {
        return await objects.mergePatch({ name, namespace }, { metadata: { resourceVersion, finalizers: rest } }, { signal })
      } catch (error) {
        if (!isConflict(error)) throw error
      }
      object = await objects.get({ name, namespace }, { signal })
    }
  } catch (error) {
    // Gone, or bound to another node by now.
    if (isNotFound(error) || isForbidden(error)) return undefined
    throw error
  }
}
