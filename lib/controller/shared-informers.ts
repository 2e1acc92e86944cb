import type { Kind, KubeObject } from '../api/define-kind.js'
import type { Client } from '../client/client.js'
import { createInformer, type FeedableInformer, type FollowInformerOptions, startInformers } from '../client/informer/informer.js'
import { kindOf, type WatchSource } from '../client/watch/watch-source.js'
import type { AnyInformer } from './cache.js'

/** An informer of somebody else, that controllers may read too. */
export type GivenInformer = FeedableInformer & { readonly lister: unknown }

/** The informers of several controllers: one for each kind and selection, and one stream for as many kinds as can share it. */
export class SharedInformers {
  readonly #client: Client
  readonly #bySource = new Map<string, AnyInformer>()
  readonly #own: (AnyInformer & FeedableInformer)[] = []

  /** `given` are started by whoever made them. */
  constructor(client: Client, given: readonly GivenInformer[] = []) {
    this.#client = client
    for (const informer of given) this.#bySource.set(describe(informer.source), informer as unknown as AnyInformer)
  }

  get all(): readonly AnyInformer[] {
    return [...this.#bySource.values()]
  }

  follow(source: WatchSource): AnyInformer {
    const before = this.#bySource.get(describe(source))
    if (before) return before
    const { kind, namespace, labelSelector, fieldSelector } = source
    const selection = { ...(namespace && { namespace }), ...(labelSelector && { labelSelector }), ...(fieldSelector && { fieldSelector }) }
    const informer = createInformer(this.#client, kind as Kind, selection) as unknown as AnyInformer & FeedableInformer
    this.#bySource.set(describe(source), informer)
    this.#own.push(informer)
    return informer
  }

  /** Resolves when the signal has aborted and every stream has ended. */
  async start(signal: AbortSignal, options: FollowInformerOptions): Promise<void> {
    await Promise.all(this.#streams().map((informers) => startInformers(this.#client, informers, signal, options)))
  }

  /** Each stream carries a kind once. */
  #streams(): FeedableInformer[][] {
    const streams: Map<string, FeedableInformer>[] = []
    for (const informer of this.#own) {
      const stream = streams.find((kinds) => !kinds.has(kindOf(informer.kind))) ?? new Map<string, FeedableInformer>()
      if (stream.size === 0) streams.push(stream)
      stream.set(kindOf(informer.kind), informer)
    }
    return streams.map((kinds) => [...kinds.values()])
  }
}

function describe({ kind, namespace = '', labelSelector = '', fieldSelector = '' }: WatchSource): string {
  return JSON.stringify([kindOf(kind as unknown as KubeObject), namespace, labelSelector, fieldSelector])
}
