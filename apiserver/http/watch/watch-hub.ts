/**
 * The hub brings each commit to everybody who watches it. Work is done once per commit and group of equal watchers, not once per watcher:
 * the events of a group are framed once and the same bytes go to each socket. Watchers that ask for equality on an indexed field are found
 * by a map.
 *
 *     const hub = new WatchHub({ store, registry, clock })
 *     hub.join(watcher)      // gets every commit after store.revision
 */
import type { Kind } from '../../../lib/api/define-kind.js'
import type { Clock, Timer } from '../../../lib/base/clock.js'
import type { Registry } from '../../registry/registry.js'
import type { Commit, Store } from '../../storage/store.js'
import type { Selection } from '../list/selection.js'
import type { Shape } from '../shape/negotiate.js'
import { EventBatch } from './event-batch.js'
import { ResourceRoutes } from './resource-routes.js'
import { WatchGroup } from './watch-group.js'

/** A client that is up to date. None of these may throw. */
export interface Watcher {
  readonly selections: readonly Selection[]
  readonly shape: Shape
  deliver(batch: EventBatch): void
  /** Every watcher of the hub has everything up to `revision`. */
  bookmark(revision: number): void
  /** Writes something that means nothing, where the dressing has such a thing. */
  keepAlive(): void
  /** Ends the stream when its user may no longer watch. */
  reauthorize(): void
  /** Ends the stream; the client resumes elsewhere. */
  end(): void
  /** Ends the stream with a failure of ours. */
  fail(error: unknown): void
}

export interface WatchHubOptions {
  readonly store: Store
  /** What is served: objects of users' kinds take the form of their version. */
  readonly registry: Pick<Registry, 'serve' | 'serves' | 'onKindsChange'>
  readonly clock: Clock
  /** Between bookmarks, and between looks at whether a user may still watch. Default 60 s, on the clock. */
  readonly checkEveryMs?: number
  /** Between comment lines. Default 15 s of real time: proxies and watchdogs do not follow a test's clock. */
  readonly keepAliveEveryMs?: number
}

export class WatchHub {
  readonly #options: WatchHubOptions
  readonly #groups = new Map<string, WatchGroup>()
  readonly #routes = new Map<string, ResourceRoutes>()
  readonly #watchers = new Set<Watcher>()
  /** Streams that still catch up: they are ended and re-authorized with the rest. */
  readonly #arriving = new Set<Watcher>()
  readonly #stopListening: () => void
  readonly #keepAlive: NodeJS.Timeout
  #check: Timer
  #delivered = 0

  constructor(options: WatchHubOptions) {
    this.#options = options
    this.#stopListening = options.store.onCommit((commit) => this.#publish(commit))
    options.registry.onKindsChange(() => this.#endStale())
    this.#keepAlive = setInterval(() => {
      for (const watcher of this.#watchers) watcher.keepAlive()
    }, options.keepAliveEveryMs ?? 15_000)
    this.#keepAlive.unref()
    this.#check = this.#nextCheck()
  }

  /** Open streams, those that still catch up included. */
  get size(): number {
    return this.#watchers.size + this.#arriving.size
  }

  /** Events delivered since the start, counted once per watcher. */
  get delivered(): number {
    return this.#delivered
  }

  /** Makes a stream known before it is up to date. */
  arrive(watcher: Watcher): void {
    this.#arriving.add(watcher)
  }

  /** From now on the watcher gets every commit. It must have everything up to the store's revision. */
  join(watcher: Watcher): void {
    this.#arriving.delete(watcher)
    this.#watchers.add(watcher)
    const key = groupKey(watcher)
    let group = this.#groups.get(key)
    if (!group) {
      group = new WatchGroup(watcher.selections, watcher.shape, this.#options)
      this.#groups.set(key, group)
      for (const { sources } of group.selections) for (const source of sources) this.#routesOf(source.kind).add(source, group)
    }
    group.watchers.add(watcher)
  }

  /** Whether the watcher has everything that was committed. */
  isLive(watcher: Watcher): boolean {
    return this.#watchers.has(watcher)
  }

  leave(watcher: Watcher): void {
    this.#arriving.delete(watcher)
    if (!this.#watchers.delete(watcher)) return
    const key = groupKey(watcher)
    const group = this.#groups.get(key)
    if (!group) return
    group.watchers.delete(watcher)
    if (group.watchers.size > 0) return
    this.#groups.delete(key)
    for (const { sources } of group.selections) for (const source of sources) this.#routesOf(source.kind).delete(source, group)
  }

  /** Sends everybody who is up to date a bookmark. */
  tellRevision(): void {
    const { revision } = this.#options.store
    for (const watcher of this.#watchers) watcher.bookmark(revision)
  }

  /** Ends every stream, at most `perSecond` in a second, so that clients do not come back all at once. */
  async endAll(perSecond: number): Promise<void> {
    const slice = Math.max(1, Math.ceil(perSecond / 10))
    while (this.size > 0) {
      const some = [...this.#watchers, ...this.#arriving].slice(0, slice)
      for (const watcher of some) watcher.end()
      if (this.size > 0) await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  /** Stops listening. Ends what is still open. */
  close(): void {
    this.#stopListening()
    clearInterval(this.#keepAlive)
    this.#check.cancel()
    for (const watcher of [...this.#watchers, ...this.#arriving]) watcher.end()
  }

  /** Ends the streams of kinds that went or changed: their clients come back and find what is there now. */
  #endStale(): void {
    const { registry } = this.#options
    for (const watcher of [...this.#watchers, ...this.#arriving])
      if (!watcher.selections.every(({ kind }) => registry.serves(kind))) watcher.end()
  }

  #publish(commit: Commit): void {
    const touched = new Set<WatchGroup>()
    for (const change of commit.changes) {
      const { group, resource } = change.object.key
      const routes = this.#routes.get(`${group}/${resource}`)
      if (!routes) continue
      for (const candidate of routes.candidates(change)) if (candidate.collect(change)) touched.add(candidate)
    }
    for (const group of touched) {
      const batch = new EventBatch(group.take())
      this.#delivered += batch.events.length * group.watchers.size
      for (const watcher of group.watchers) watcher.deliver(batch)
    }
  }

  #nextCheck(): Timer {
    return this.#options.clock.setTimer(this.#options.checkEveryMs ?? 60_000, () => {
      for (const watcher of [...this.#watchers, ...this.#arriving]) watcher.reauthorize()
      this.tellRevision()
      this.#check = this.#nextCheck()
    })
  }

  #routesOf({ group, plural }: Kind): ResourceRoutes {
    const key = `${group}/${plural}`
    const known = this.#routes.get(key)
    if (known) return known
    const routes = new ResourceRoutes()
    this.#routes.set(key, routes)
    return routes
  }
}

function groupKey(watcher: Watcher): string {
  return `${JSON.stringify(watcher.shape)} ${watcher.selections.map((selection) => selection.key).join(' ')}`
}
