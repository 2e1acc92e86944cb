import { type ApiError, expired, isExpired } from '../../../lib/api/api-error.js'
import type { Clock } from '../../../lib/base/clock.js'
import type { Registry } from '../../registry/registry.js'
import type { Change, Store, StoredObject } from '../../storage/store.js'
import { candidatesOf } from '../list/candidates.js'
import { type Selection, select } from '../list/selection.js'
import type { Shape } from '../shape/negotiate.js'
import { shapeObject } from '../shape/shape-object.js'
import { toApiError } from '../wire/answer.js'
import { bookmarkBody } from './bookmark.js'
import { EventBatch, type WireEvent } from './event-batch.js'
import { WatchGroup } from './watch-group.js'
import type { Watcher, WatchHub } from './watch-hub.js'
import type { WatchOptions } from './watch-options.js'
import type { WatchSink } from './watch-sink.js'

export interface WatchStreamOptions extends WatchOptions {
  readonly store: Store
  readonly registry: Pick<Registry, 'serve' | 'serves'>
  readonly hub: WatchHub
  readonly clock: Clock
  readonly selections: readonly Selection[]
  readonly shape: Shape
  readonly sink: WatchSink
  /** Throws when the user may not watch this, or is no longer known. */
  readonly authorize: () => void
  /** Unsent bytes at which a live stream is ended. */
  readonly byteBudget: number
  /** How long the client may take none of the state that it asked for. */
  readonly stallMs: number
}

/**
 * One client's watch. It sends the initial state, if that was asked for, then reads what happened since from the store, at the client's
 * pace, until nothing is left; from then on the hub delivers each commit, and a client that falls behind its byte budget is ended: it
 * resumes from the last revision that it saw.
 */
export class WatchStream implements Watcher {
  readonly selections: readonly Selection[]
  readonly shape: Shape
  readonly #options: WatchStreamOptions
  #ended = false
  #timeout: NodeJS.Timeout | undefined

  constructor(options: WatchStreamOptions) {
    this.#options = options
    this.selections = options.selections
    this.shape = options.shape
  }

  /** Runs until the stream is live; the hub does the rest. Never rejects. */
  async run(): Promise<void> {
    const { hub, sink, timeoutSeconds } = this.#options
    sink.onClose(() => this.#leave())
    if (this.#ended) return
    hub.arrive(this)
    if (!this.selections.every(({ kind }) => this.#options.registry.serves(kind))) return this.end()
    sink.open()
    const timeoutMs = timeoutSeconds === undefined ? defaultTimeoutMs() : timeoutSeconds * 1000
    this.#timeout = setTimeout(() => this.#timeOut(), timeoutMs)
    this.#timeout.unref()
    try {
      await this.#catchUp(await this.#begin())
    } catch (error) {
      this.fail(error)
    }
  }

  deliver(batch: EventBatch): void {
    const { sink, byteBudget } = this.#options
    if (this.#ended) return
    if (sink.unsent > byteBudget) {
      this.#leave()
      sink.destroy()
      return
    }
    sink.write(batch)
  }

  bookmark(revision: number): void {
    if (this.#options.allowBookmarks) this.deliver(this.#bookmark(revision))
  }

  keepAlive(): void {
    if (!this.#ended && this.#options.sink.unsent === 0) this.#options.sink.keepAlive()
  }

  reauthorize(): void {
    if (this.#ended) return
    try {
      this.#options.authorize()
    } catch (error) {
      this.fail(error)
    }
  }

  end(): void {
    if (this.#ended) return
    this.#leave()
    this.#options.sink.end()
  }

  fail(error: unknown): void {
    if (this.#ended) return
    this.#options.sink.write(new EventBatch([{ type: 'ERROR', body: Buffer.from(JSON.stringify(toApiError(error).toStatus())) }]))
    this.end()
  }

  /** Sends the initial state. Returns the revision that the client is at. */
  async #begin(): Promise<number> {
    const { start, store } = this.#options
    if (!start.initialState) return start.after ?? store.revision
    const revision = store.revision
    const initial = this.selections.map((selection) => ({ selection, objects: candidatesOf(store, selection) }))
    for (const { selection, objects } of initial) await this.#sendSlices(objects, (object) => this.#added(object, selection))
    if (start.initialEndBookmark && !this.#ended) this.#options.sink.write(this.#bookmark(revision, true))
    return revision
  }

  #added(stored: StoredObject, selection: Selection): readonly WireEvent[] {
    const object = select(selection, stored)
    if (!object) return []
    const { registry, clock } = this.#options
    const { kind } = selection
    return [{ type: 'ADDED', body: shapeObject(registry.serve(kind, object), kind, this.shape, clock.now()) }]
  }

  /** Reads and sends until the client has what the store has, then joins the hub in the same turn: no gap, nothing twice. */
  async #catchUp(from: number): Promise<void> {
    const { hub, store } = this.#options
    const group = new WatchGroup(this.selections, this.shape, this.#options)
    let position = from
    while (!this.#ended && position < store.revision) {
      const upTo = store.revision
      const changes = await this.#changes(position, upTo)
      await this.#sendSlices(changes, (change) => group.eventsOf(change))
      position = upTo
    }
    if (!this.#ended) hub.join(this)
  }

  /** The changes of every watched resource in (after, upTo], in revision order. */
  async #changes(after: number, upTo: number): Promise<readonly Change[]> {
    const { store } = this.#options
    const resources = new Map(this.selections.flatMap(({ sources }) => sources.map(({ kind }) => [`${kind.group}/${kind.plural}`, kind])))
    try {
      const lists = await Promise.all(
        [...resources.values()].map(({ group, plural }) => store.changesSince({ group, resource: plural, after, upTo })),
      )
      const [first = [], ...others] = lists.filter((changes) => changes.length > 0)
      return others.length === 0 ? first : lists.flat().sort((a, b) => a.revision - b.revision)
    } catch (error) {
      throw isExpired(error) ? tooOld(after, store) : error
    }
  }

  /** Sends in slices of about half a mebibyte, with a turn of the event loop between, waiting for the client to take them. */
  async #sendSlices<T>(items: readonly T[], eventsOf: (item: T) => readonly WireEvent[]): Promise<void> {
    let events: WireEvent[] = []
    let size = 0
    let looked = 0
    for (const item of items) {
      if (this.#ended) return
      looked += 1
      for (const event of eventsOf(item)) {
        events.push(event)
        size += event.body.length
      }
      if (size < sliceBytes && looked % sliceItems !== 0) continue
      if (events.length > 0) this.#options.sink.write(new EventBatch(events))
      events = []
      size = 0
      await this.#breathe()
    }
    if (events.length > 0 && !this.#ended) this.#options.sink.write(new EventBatch(events))
  }

  async #breathe(): Promise<void> {
    const { sink, stallMs } = this.#options
    await new Promise((resolve) => setImmediate(resolve))
    if (sink.unsent === 0) return
    const stalled = setTimeout(() => sink.destroy(), stallMs)
    await sink.drained()
    clearTimeout(stalled)
  }

  #bookmark(revision: number, initialEnd = false): EventBatch {
    const kind = this.selections[0]?.kind
    if (!kind) throw new Error('a watch without selections')
    return new EventBatch([{ type: 'BOOKMARK', body: bookmarkBody(kind, this.shape, revision, initialEnd), id: revision }])
  }

  #timeOut(): void {
    if (this.#options.hub.isLive(this)) this.bookmark(this.#options.store.revision)
    this.end()
  }

  #leave(): void {
    this.#ended = true
    clearTimeout(this.#timeout)
    this.#options.hub.leave(this)
  }
}

const sliceBytes = 512 * 1024
const sliceItems = 5_000

/** Between 30 and 60 minutes, so that streams that began together do not end together. */
const defaultTimeoutMs = () => (1800 + Math.random() * 1800) * 1000

function tooOld(revision: number, store: Store): ApiError {
  return expired(`too old resource version: ${revision} (${store.compactRevision})`)
}
