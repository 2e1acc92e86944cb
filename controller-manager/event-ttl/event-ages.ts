import type { KubeObject } from '../../lib/api/define-kind.js'
import type { Event } from '../../lib/api/kinds/event.js'

export interface AgedEvent {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  /** When it was last seen, wall clock in milliseconds. */
  readonly seenMs: number
}

/** The age of every Event. */
export class EventAges {
  #byName = new Map<string, AgedEvent>()
  #incoming: Map<string, AgedEvent> | undefined

  get size(): number {
    return this.#byName.size
  }

  /** A whole state follows; what is known stays until it is complete. */
  begin(): void {
    this.#incoming = new Map()
  }
  complete(): void {
    this.#byName = this.#incoming ?? this.#byName
    this.#incoming = undefined
  }

  /** `nowMs`: an Event that names a time to come was seen now. */
  set(object: KubeObject, nowMs: number): void {
    const { namespace = '', name, uid } = object.metadata
    const events = this.#incoming ?? this.#byName
    events.set(`${namespace}/${name}`, { namespace, name, uid, seenMs: Math.min(nowMs, lastSeenMs(object as unknown as Event)) })
  }
  delete({ metadata: { namespace = '', name } }: KubeObject): void {
    const events = this.#incoming ?? this.#byName
    events.delete(`${namespace}/${name}`)
  }

  seenBefore(timeMs: number): AgedEvent[] {
    return [...this.#byName.values()].filter(({ seenMs }) => seenMs < timeMs)
  }
}

/** The latest time that the Event names. */
export function lastSeenMs(event: Pick<Event, 'metadata' | 'firstTimestamp' | 'lastTimestamp' | 'eventTime' | 'series'>): number {
  const times = [
    event.lastTimestamp,
    event.series?.lastObservedTime,
    event.eventTime,
    event.firstTimestamp,
    event.metadata.creationTimestamp,
  ]
  return Math.max(...times.map((time) => Date.parse(time ?? '')).filter((time) => !Number.isNaN(time)))
}
