import { ApiError } from '../../../lib/api/api-error.js'
import type { Store } from '../../storage/store.js'
import type { ServerParts } from '../server-parts.js'
import type { Exchange } from '../wire/exchange.js'
import { parseRevision } from '../wire/query-values.js'

/** Waits until a single object can be shown as new as the request asks. */
export async function waitForAskedRevision({ store, limits }: ServerParts, { info }: Exchange): Promise<void> {
  const version = info.query.get('resourceVersion') ?? ''
  if (version !== '') await waitForRevision(store, parseRevision(version, 'resourceVersion'), limits.bounds.freshnessWaitMs)
}

/** Resolves when the store has reached `revision`. Throws Timeout, as clients know it, when it has not after `waitMs`. */
export async function waitForRevision(store: Store, revision: number, waitMs: number): Promise<void> {
  if (store.revision >= revision) return
  const reached = await new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => finish(false), waitMs)
    const stop = store.onCommit((commit) => {
      if (commit.revision >= revision) finish(true)
    })
    const finish = (value: boolean) => {
      clearTimeout(timer)
      stop()
      resolve(value)
    }
  })
  if (!reached) throw tooLargeResourceVersion(revision, store.revision)
}

function tooLargeResourceVersion(asked: number, current: number): ApiError {
  return new ApiError('Timeout', `Too large resource version: ${asked}, current: ${current}`, {
    details: { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }], retryAfterSeconds: 1 },
  })
}
