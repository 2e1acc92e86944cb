import { isConflict, isNotFound } from '../lib/api/api-error.js'
import type { Kind, KubeObject } from '../lib/api/define-kind.js'
import { sleep } from '../lib/base/clock.js'
import { resourcePath } from '../lib/client/resource-path.js'
import type { ControllerContext } from './controller-context.js'

export interface Sweep<T extends Pick<KubeObject, 'metadata'>> {
  /** For logs. */
  readonly name: string
  readonly everyMs: number
  readonly kind: Pick<Kind, 'group' | 'version' | 'plural' | 'scope'>
  /** All objects that may be due. */
  list(signal: AbortSignal): Promise<readonly T[]>
  isDue(object: T, nowMs: number): boolean
}

/** Deletes what is due, again and again; the very state that was judged goes, or nothing. Resolves when the signal has aborted. */
export async function runSweep<T extends Pick<KubeObject, 'metadata'>>(
  { client, clock, log }: Pick<ControllerContext, 'client' | 'clock' | 'log'>,
  { name, everyMs, kind, list, isDue }: Sweep<T>,
  signal: AbortSignal,
): Promise<void> {
  const remove = async ({ metadata }: T) => {
    const { uid, resourceVersion } = metadata
    const path = resourcePath(kind as Kind, { namespace: metadata.namespace, name: metadata.name })
    try {
      await client.raw({ method: 'DELETE', path, body: { preconditions: { uid, resourceVersion } }, signal })
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error
    }
  }
  while (!signal.aborted) {
    try {
      for (const object of await list(signal)) if (isDue(object, clock.now())) await remove(object)
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error, controller: name }, 'what is due could not be deleted; it is tried again')
    }
    await sleep(clock, everyMs, signal).catch(() => {})
  }
}
