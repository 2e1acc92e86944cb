import type { Kind } from '../../../lib/api/define-kind.js'
import type { Clock } from '../../../lib/base/clock.js'
import type { Registry } from '../../registry/registry.js'
import type { Change } from '../../storage/store.js'
import type { ObjectView } from '../../views/object-view.js'
import { viewChanges } from '../../views/view-changes.js'
import type { Selection } from '../list/selection.js'
import type { Shape } from '../shape/negotiate.js'
import { shapeObject } from '../shape/shape-object.js'
import type { WireEvent } from './event-batch.js'
import { transitionOf } from './transition.js'
import type { Watcher } from './watch-hub.js'

/** What a group makes its events with. */
export interface GroupContext {
  readonly registry: Pick<Registry, 'serve'>
  readonly clock: Clock
}

/** The selections of a group that are about one kind. */
interface Watched {
  readonly kind: Kind
  readonly view: ObjectView | undefined
  readonly selections: Selection[]
}

/** Watchers of the same selections in the same shape: whatever one gets, all get, as the same bytes. */
export class WatchGroup {
  readonly watchers = new Set<Watcher>()
  /** By the resource that is stored. */
  readonly #byResource = new Map<string, Watched[]>()
  #events: WireEvent[] = []

  constructor(
    readonly selections: readonly Selection[],
    readonly shape: Shape,
    readonly context: GroupContext,
  ) {
    for (const selection of selections) {
      for (const source of selection.sources) this.#add(`${source.kind.group}/${source.kind.plural}`, selection)
    }
  }

  #add(resource: string, selection: Selection): void {
    const { kind, view } = selection
    const all = this.#byResource.get(resource) ?? []
    const same = all.find((watched) => watched.kind.apiVersion === kind.apiVersion && watched.kind.kind === kind.kind)
    if (same) same.selections.push(selection)
    else this.#byResource.set(resource, [...all, { kind, view, selections: [selection] }])
  }

  /** Notes the change when it concerns the group; says whether it does. A shape that cannot be made ends the group's streams. */
  collect(change: Change): boolean {
    try {
      const events = this.eventsOf(change)
      for (const event of events) this.#events.push(event)
      return events.length > 0
    } catch (error) {
      for (const watcher of [...this.watchers]) watcher.fail(error)
      return false
    }
  }

  /** The events noted since the last call. */
  take(): readonly WireEvent[] {
    const events = this.#events
    this.#events = []
    return events
  }

  /**
   * The change as the group's clients see it. Only the last of several events carries the id: with it, everything up to there is delivered.
   */
  eventsOf(change: Change): readonly WireEvent[] {
    const { group, resource } = change.object.key
    const { registry, clock } = this.context
    const events: (Omit<WireEvent, 'id'> & { id?: number })[] = []
    for (const { kind, view, selections } of this.#byResource.get(`${group}/${resource}`) ?? [])
      for (const seen of view ? viewChanges(view, change) : [change]) {
        const transition = transitionOf(seen, selections)
        if (!transition) continue
        const object = registry.serve(kind, transition.object)
        events.push({ type: transition.type, body: shapeObject(object, kind, this.shape, clock.now()) })
      }
    const last = events.at(-1)
    if (last) last.id = change.revision
    return events
  }
}
