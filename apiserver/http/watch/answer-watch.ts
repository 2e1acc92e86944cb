import { expired, isRetryable } from '../../../lib/api/api-error.js'
import type { AccessRequest } from '../../auth/authorizer.js'
import { waitForRevision } from '../list/freshness.js'
import type { Selection } from '../list/selection.js'
import type { ServerParts } from '../server-parts.js'
import type { Negotiated, Shape } from '../shape/negotiate.js'
import { authorize, type Exchange } from '../wire/exchange.js'
import { parseWatchOptions } from './watch-options.js'
import { HttpSink, type WatchSink } from './watch-sink.js'
import { WatchStream } from './watch-stream.js'

/** What is watched, how it is shown, and what the user must be allowed for it. */
export interface WatchRequest {
  readonly selections: readonly Selection[]
  readonly access: readonly AccessRequest[]
  readonly shape: Shape
  readonly stream: Negotiated['stream']
}

/** Answers a watch over HTTP. Failures before the stream begins are Statuses; later ones are ERROR events. */
export async function answerWatch(parts: ServerParts, exchange: Exchange, watch: WatchRequest): Promise<void> {
  const start = await prepareWatch(parts, exchange, watch)
  await start(new HttpSink(exchange.response, watch.stream))
}

/** Checks all that can be checked before the stream begins; returns how to begin it. */
export async function prepareWatch(
  parts: ServerParts,
  exchange: Exchange,
  watch: WatchRequest,
): Promise<(sink: WatchSink) => Promise<void>> {
  const { store, registry, hub, clock, limits } = parts
  const { request, info } = exchange
  const options = parseWatchOptions(info.query, request.headers['last-event-id']?.toString())
  await reachStart(parts, options.start.after)
  if (!options.start.initialState && options.start.after !== undefined && options.start.after < store.compactRevision)
    throw expired(`too old resource version: ${options.start.after} (${store.compactRevision})`)
  return async (sink) => {
    exchange.leave()
    const { selections, shape } = watch
    const { watchByteBudget: byteBudget, stallMs } = limits.bounds
    const reauthorize = () => {
      const user = parts.authenticate(request)
      for (const access of watch.access) authorize(parts.authorizer, { ...access, user })
    }
    await new WatchStream({
      ...options,
      store,
      registry,
      hub,
      clock,
      selections,
      shape,
      sink,
      authorize: reauthorize,
      byteBudget,
      stallMs,
    }).run()
  }
}

/** A revision that never comes belongs to another history (a backup was restored): the client must list again. */
async function reachStart(parts: ServerParts, after: number | undefined): Promise<void> {
  if (after === undefined) return
  try {
    await waitForRevision(parts.store, after, parts.limits.bounds.freshnessWaitMs)
  } catch (error) {
    if (!isRetryable(error)) throw error
    throw expired(`resource version ${after} is newer than this cluster's newest (${parts.store.revision}); list again`)
  }
}
