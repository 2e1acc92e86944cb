import type { ConditionTypeOf, Kind, Resource } from '../api/define-kind.js'
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import type { ApplyConfiguration, Client, ObjectName } from '../client/client.js'
import type { EventSubject, EventType } from '../client/events/event-recorder.js'
import type { Duration } from './duration.js'

/** What a pass may return. */
export interface Outcome {
  /** Look again after so long, even when nothing happens. */
  readonly requeueAfter?: Duration | undefined
}

/** A private copy of an object: its status is always there, and is what a pass may change. */
export type Draft<K extends Kind> = Omit<Resource<K>, 'status'> &
  (Resource<K> extends { status?: infer Status } ? { status: Partial<NonNullable<Status>> } : unknown)

/** What a pass works with. */
export interface ReconcileContext<K extends Kind> {
  /** Its writes are waited for before the object's next pass. It refuses everything once the controller has stopped, or leads no longer. */
  readonly client: Client
  readonly clock: Clock
  /** Names the controller and the object. */
  readonly log: Logger
  /** Aborts when the controller stops. */
  readonly signal: AbortSignal
  /**
   * Makes an object have these fields, owned by the reconciled one, by server-side apply with the controller's name as field manager. Sends
   * nothing when nothing would differ; resolves with the object as it then is, which nobody changes.
   */
  apply<Other extends Kind>(kind: Other, configuration: ApplyConfiguration<Other>): Promise<Resource<Other>>
  /** What the reconciled object owns, as the informers show it. The kind is in `owns`. */
  owned<Other extends Kind>(kind: Other): Resource<Other>[]
  /** Deletes those owned objects of a kind that this pass has not applied. Resolves with what it deleted. */
  prune<Other extends Kind>(kind: Other): Promise<Resource<Other>[]>
  /** Deletes this very object (by uid), and what it owns; that it is gone already is as good. */
  delete<Other extends Kind>(kind: Other, object: Resource<Other>): Promise<void>
  /** As the informer of a declared kind shows it, for other kinds as the server does; undefined when there is none. Nobody changes it. */
  get<Other extends Kind>(kind: Other, at: ObjectName): Promise<Resource<Other> | undefined>
  /** What the informer of a declared kind shows, of one namespace or of all that are followed. Nobody changes them. */
  list<Other extends Kind>(kind: Other, namespace?: string): Resource<Other>[]
  /** Writes the differences between two forms of any object: nothing when there are none, a Conflict when it has changed since. */
  commit<Other extends Kind>(kind: Other, before: Resource<Other>, after: Resource<Other>): Promise<Resource<Other>>
  /** Sets a condition of the reconciled object; it is sent with the rest of the status. `reason` is one CamelCase word. */
  condition(type: ConditionTypeOf<K>, status: boolean | 'Unknown', reason: string, message?: string): void
  /** Tells people what was seen or done about the object, or about another. Returns at once, and never fails. */
  event(type: EventType, reason: string, message: string, about?: EventSubject): void
}
