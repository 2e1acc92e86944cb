import type { Clock } from '../../../lib/base/clock.js'
import type { Registry } from '../../registry/registry.js'
import type { Change } from '../../storage/store.js'
import type { Shape } from '../negotiate.js'
import type { Selection } from '../selection.js'
import { shapeObject } from '../shape-object.js'
import type { WireEvent } from './event-batch.js'
import { transitionOf } from './transition.js'
import type { Watcher } from './watch-hub.js'

/** What a group makes its events with. */
export interface GroupContext {
  readonly registry: Pick<Registry, 'serve'>
  readonly clock: Clock
}

/** Watchers of the same selections in the same shape: whatever one gets, all get, as the same bytes. */
export class WatchGroup {
  readonly watchers = new Set<Watcher>()
  readonly #byResource = new Map<string, Selection[]>()
  #events: WireEvent[] = []

  constructor(
    readonly selections: readonly Selection[],
    readonly shape: Shape,
    readonly context: GroupContext,
  ) {
    for (const selection of selections) {
      const key = `${selection.kind.group}/${selection.kind.plural}`
      this.#byResource.set(key, [...(this.#byResource.get(key) ?? []), selection])
    }
  }

  /** Notes the change when it concerns the group; says whether it does. A shape that cannot be made ends the group's streams. */
  collect(change: Change): boolean {
    try {
      const event = this.eventOf(change)
      if (event) this.#events.push(event)
      return event !== undefined
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

  /** The change as the group's clients see it. */
  eventOf(change: Change): WireEvent | undefined {
    const { group, resource } = change.object.key
    const selections = this.#byResource.get(`${group}/${resource}`)
    const kind = selections?.[0]?.kind
    if (!selections || !kind) return undefined
    const transition = transitionOf(change, selections)
    if (!transition) return undefined
    const { registry, clock } = this.context
    const object = registry.serve(kind, transition.object)
    return { type: transition.type, body: shapeObject(object, kind, this.shape, clock.now()), id: change.revision }
  }
}
