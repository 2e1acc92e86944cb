/**
 * An informer keeps a local copy of a kind's objects in step with the server and tells its handlers of each difference.
 *
 *     const tasks = createInformer(client, Task, { indexes: { node: (task) => [task.spec.nodeName] } })
 *     tasks.subscribe({ update: (task, previous) => … })
 *     tasks.start(signal)
 *     await tasks.synced()
 *     tasks.lister.by('node', 'n1')
 *
 * The rule: handlers see states, in order, each once: a state that was missed while the connection was down is not made up, and one that
 * was seen is not told again. Objects are shared; nobody changes them.
 */
import { ApiError } from '../../api/api-error.js'
import type { Kind, KubeObject, Resource } from '../../api/define-kind.js'
import type { Client } from '../client.js'
import { type FollowOptions, type FollowSink, followResources } from '../watch/follow-resources.js'
import { kindOf, type WatchSource } from '../watch/watch-source.js'
import { type IndexFunction, type Lister, ObjectIndex } from './object-index.js'
import { type ObjectHandlers, ObjectStates } from './object-states.js'
import { RevisionGate } from './revision-gate.js'

export type { Lister } from './object-index.js'
export type { ObjectHandlers } from './object-states.js'

export interface InformerOptions<T, IndexName extends string> {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  readonly indexes?: Readonly<Record<IndexName, IndexFunction<T>>>
}

export interface FollowInformerOptions extends Omit<FollowOptions, 'signal'> {
  /** Give up at the first answer that no retry would change (Forbidden, NotFound, Invalid…): `synced()` rejects with it. Default false. */
  readonly failFast?: boolean
}

/** What can be said of an informer without knowing its objects' type. */
export interface WatchedKind {
  readonly kind: Kind
  readonly source: WatchSource
  readonly lister: Pick<Lister<unknown>, 'get' | 'list' | 'inNamespace'>
  readonly hasSynced: boolean
  /** Resolves when the whole first state is there. Rejects when the informer stops before. */
  synced(): Promise<void>
  /** Resolves when everything up to this revision has been seen: after a write, the copy then holds it. Rejects when the signal aborts. */
  seen(resourceVersion: string, signal?: AbortSignal): Promise<void>
  /** Whether everything up to this revision has been seen. */
  hasSeen(resourceVersion: string): boolean
}

export interface Informer<T, IndexName extends string = never> extends WatchedKind {
  readonly lister: Lister<T, IndexName>
  /** Handlers hear of every object that is there already, then of each difference. Returns what ends the subscription. */
  subscribe(handlers: ObjectHandlers<T>): () => void
  /** Begins to follow; once. Resolves when the signal aborts and everything has stopped. */
  start(signal: AbortSignal, options?: FollowInformerOptions): Promise<void>
}

/** An informer that can be fed by a stream it shares with others; see `startInformers`. */
export interface FeedableInformer {
  readonly kind: Kind
  readonly source: WatchSource
  readonly sink: FollowSink
  stopped(reason: unknown): void
}

export function createInformer<K extends Kind, IndexName extends string = never>(
  client: Client,
  kind: K,
  options: InformerOptions<Resource<K>, IndexName> = {},
): Informer<Resource<K>, IndexName> & FeedableInformer {
  type T = Resource<K> & KubeObject
  const { namespace, labelSelector, fieldSelector } = options
  const index = new ObjectIndex<T, IndexName>((options.indexes ?? {}) as Readonly<Record<IndexName, IndexFunction<T>>>)
  const states = new ObjectStates<T>(index)
  const gate = new RevisionGate()
  const source: WatchSource = { kind: kind as unknown as Kind, namespace, labelSelector, fieldSelector }

  const sink: FollowSink = {
    begin: () => states.begin(),
    change: (type, object) => states.change(type, object as T),
    complete: () => states.complete(),
    progress(resourceVersion) {
      gate.reach(resourceVersion)
    },
  }

  const informer: Informer<Resource<K>, IndexName> & FeedableInformer = {
    kind: source.kind,
    source,
    sink,
    lister: index as unknown as Lister<Resource<K>, IndexName>,
    subscribe: (handlers) => states.subscribe(handlers as ObjectHandlers<T>),
    start: (signal, followOptions) => startInformers(client, [informer], signal, followOptions),
    synced: () => gate.opened,
    get hasSynced() {
      return gate.isOpen
    },
    seen: (resourceVersion, signal) => gate.seen(resourceVersion, signal),
    hasSeen: (resourceVersion) => gate.hasSeen(resourceVersion),
    stopped: (reason) => gate.close(reason),
  }
  return informer
}

/** Feeds several informers, of different kinds, from one stream. Resolves when the signal aborts and everything has stopped. */
export async function startInformers(
  client: Client,
  informers: readonly FeedableInformer[],
  signal: AbortSignal,
  options: FollowInformerOptions = {},
): Promise<void> {
  const byKind = new Map(informers.map((informer) => [kindOf(informer.kind), informer]))
  if (byKind.size < informers.length) throw new Error('informers that share a stream are told apart by kind: give each kind once')
  const [only] = informers
  const sink: FollowSink =
    informers.length === 1 && only
      ? only.sink
      : {
          begin() {
            for (const { sink } of informers) sink.begin()
          },
          change: (type, object) => byKind.get(kindOf(object))?.sink.change(type, object),
          complete() {
            for (const { sink } of informers) sink.complete()
          },
          progress(resourceVersion) {
            for (const { sink } of informers) sink.progress(resourceVersion)
          },
        }
  const onFailure = (failure: unknown, pauseMs: number) => {
    options.onFailure?.(failure, pauseMs)
    if (options.failFast && isFinal(failure)) throw failure
  }
  let reason: unknown
  try {
    await followResources(
      client,
      informers.map(({ source }) => source),
      sink,
      { ...options, signal, onFailure },
    )
    reason = signal.reason
  } catch (error) {
    reason = error
    throw error
  } finally {
    for (const informer of informers) informer.stopped(reason)
  }
}

/** Whether the same request will get the same answer. */
function isFinal(failure: unknown): boolean {
  return failure instanceof ApiError && failure.code >= 400 && failure.code < 500 && ![408, 409, 410, 429].includes(failure.code)
}
