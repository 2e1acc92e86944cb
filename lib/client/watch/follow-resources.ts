/**
 * Follows resources for as long as the signal lets it: the whole state first, then each change in order, through broken connections and
 * restarts of the server. The sink never learns of a reconnect that could resume; where one could not (410), it gets the whole state anew.
 *
 * The rule: every pause before a new attempt is full-jitter back-off, so that a thousand clients of a restarted server do not come at once.
 */
import { setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { ApiError, type Status } from '../../api/api-error.js'
import type { KubeObject } from '../../api/define-kind.js'
import { type BackoffOptions, backoffDelayMs } from '../../base/backoff.js'
import type { Client } from '../client.js'
import { decodeAnswer } from '../decode-answer.js'
import { readAnswer } from '../read-answer.js'
import { listPath, type WatchSource, type WatchStart, watchPath } from './watch-source.js'

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED'

/** Who takes in what is followed. Calls never overlap. */
export interface FollowSink {
  /** A whole state follows; what an unfinished one brought is void. */
  begin(): void
  change(type: ChangeType, object: KubeObject): void
  /** The state that began is whole, as of this revision. */
  complete(): void
  /** Everything up to this revision has been delivered. */
  progress(resourceVersion: string): void
}

export interface FollowOptions {
  readonly signal: AbortSignal
  /** The pauses between attempts. Default: full jitter, 0.8 to 30 s. */
  readonly backoff?: BackoffOptions
  /** Called with each failure, before the pause. Throwing ends it all. */
  readonly onFailure?: (failure: unknown, pauseMs: number) => void
}

const defaultBackoff: BackoffOptions = { initialMs: 800, maxMs: 30_000 }

/** A stream that lasted this long was a good one: the next pause is a first one again. Milliseconds. */
const goodStreamMs = 5_000

const pageSize = 500

/** Resolves when the signal aborts. Rejects with what `onFailure` throws. */
export async function followResources(
  client: Client,
  sources: readonly WatchSource[],
  sink: FollowSink,
  options: FollowOptions,
): Promise<void> {
  const { signal, backoff = defaultBackoff } = options
  // A program ends all that it follows by one signal. Node would warn of a leak.
  setMaxListeners(0, signal)
  const position: Position = { resourceVersion: undefined, listFirst: false }
  for (let attempt = 0; !signal.aborted; attempt++) {
    const startedAt = performance.now()
    let failure: unknown
    try {
      if (position.resourceVersion === undefined && position.listFirst) await listAll(client, sources, sink, position, signal)
      failure = await runStream(client, sources, sink, position, signal)
    } catch (error) {
      failure = error
    }
    if (signal.aborted) return
    if (isExpired(failure)) position.resourceVersion = undefined
    if (position.resourceVersion === undefined && sources.length === 1 && !position.listFirst && refusesInitialEvents(failure)) {
      position.listFirst = true
      continue
    }
    if (performance.now() - startedAt >= goodStreamMs) attempt = 0
    const pauseMs = toldToWaitMs(failure) + backoffDelayMs(attempt, backoff)
    options.onFailure?.(failure, pauseMs)
    await delay(pauseMs, undefined, { signal }).catch(() => {})
  }
}

interface Position {
  /** Everything up to here has been delivered. Undefined: the whole state is needed. */
  resourceVersion: string | undefined
  /** The server does not send the initial state over the stream: list it. */
  listFirst: boolean
}

/** One stream; resolves with the reason of its end. */
function runStream(
  client: Client,
  sources: readonly WatchSource[],
  sink: FollowSink,
  position: Position,
  signal: AbortSignal,
): Promise<Error | undefined> {
  const start: WatchStart = position.resourceVersion === undefined ? 'initial' : { resourceVersion: position.resourceVersion }
  let initial = start === 'initial'
  if (initial) sink.begin()

  const deliver = (type: string, object: KubeObject, id: string): void => {
    if (type !== 'BOOKMARK') sink.change(type as ChangeType, object)
    else if (initial && endsInitialEvents(object)) {
      initial = false
      sink.complete()
    }
    if (id === '' || initial) return
    position.resourceVersion = id
    sink.progress(id)
  }

  return new Promise((resolve) => {
    const finish = (reason: Error | undefined) => {
      signal.removeEventListener('abort', onAbort)
      stream.close()
      resolve(reason)
    }
    const onAbort = () => finish(undefined)
    const stream = client.stream(watchPath(sources, start), {
      event(type, data, id) {
        const object = decodeEvent(data)
        if (object instanceof Error) finish(object)
        else if (type === 'ERROR') finish(ApiError.fromStatus(object as Partial<Status>, 500))
        else deliver(type, object as KubeObject, id)
      },
      end: finish,
    })
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
  })
}

/** The whole state in pages, for servers that do not send it over the stream. */
async function listAll(
  client: Client,
  sources: readonly WatchSource[],
  sink: FollowSink,
  position: Position,
  signal: AbortSignal,
): Promise<void> {
  const [source] = sources
  if (!source) return
  sink.begin()
  let token: string | undefined
  let resourceVersion = ''
  do {
    const response = await client.raw({ method: 'GET', path: listPath(source, pageSize, token), signal })
    const page = (await readAnswer(response)) as { items: KubeObject[]; metadata: { resourceVersion: string; continue?: string } }
    for (const item of page.items) {
      item.apiVersion ??= source.kind.apiVersion
      item.kind ??= source.kind.kind
      sink.change('ADDED', item)
    }
    token = page.metadata.continue || undefined
    resourceVersion = page.metadata.resourceVersion
  } while (token !== undefined)
  sink.complete()
  position.resourceVersion = resourceVersion
  sink.progress(resourceVersion)
}

function decodeEvent(data: string): unknown {
  try {
    return decodeAnswer(data)
  } catch (error) {
    return new Error('the server sent a watch event that is no JSON', { cause: error })
  }
}

function endsInitialEvents(bookmark: KubeObject): boolean {
  return bookmark.metadata.annotations?.['k8s.io/initial-events-end'] === 'true'
}

/** The revision is compacted; or not reached yet, as after a restore from a backup. */
function isExpired(failure: unknown): boolean {
  if (!(failure instanceof ApiError)) return false
  return failure.code === 410 || failure.details.causes?.some((cause) => cause.reason === 'ResourceVersionTooLarge') === true
}

function refusesInitialEvents(failure: unknown): boolean {
  return failure instanceof ApiError && (failure.code === 400 || failure.code === 422)
}

function toldToWaitMs(failure: unknown): number {
  return failure instanceof ApiError ? (failure.details.retryAfterSeconds ?? 0) * 1000 : 0
}
