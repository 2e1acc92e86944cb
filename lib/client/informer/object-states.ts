import type { KubeObject } from '../../api/define-kind.js'
import { objectName } from '../resource-path.js'
import type { ChangeType } from '../watch/follow-resources.js'
import type { ObjectIndex } from './object-index.js'

/** What a subscriber wants to hear. Handlers are called in order, never two at once, and must not throw. */
export interface ObjectHandlers<T> {
  add?(object: T): void
  update?(object: T, previous: T): void
  /** The last state that was seen; on a live deletion, the one that it was deleted with. */
  delete?(object: T): void
}

/**
 * Turns what a stream says into differences of the local copy. A state that the copy holds already (same uid and revision) is no
 * difference; an object that was replaced by another of the same name is a deletion and an addition.
 */
export class ObjectStates<T extends KubeObject> {
  readonly #index: ObjectIndex<T, never>
  readonly #subscribers = new Set<ObjectHandlers<T>>()
  /** The state that is being taken in, until it is whole. */
  #incoming: Map<string, T> | undefined

  // biome-ignore lint/suspicious/noExplicitAny: which indexes there are does not matter here
  constructor(index: ObjectIndex<T, any>) {
    this.#index = index
  }

  subscribe(handlers: ObjectHandlers<T>): () => void {
    this.#subscribers.add(handlers)
    for (const object of this.#index.list()) handlers.add?.(object)
    return () => this.#subscribers.delete(handlers)
  }

  begin(): void {
    this.#incoming = new Map()
  }

  change(type: ChangeType, object: T): void {
    const name = objectName(object)
    if (this.#incoming) {
      if (type === 'DELETED') this.#incoming.delete(name)
      else this.#incoming.set(name, object)
    } else if (type === 'DELETED') this.#remove(name, object)
    else this.#set(name, object)
  }

  complete(): void {
    const incoming = this.#incoming ?? new Map<string, T>()
    this.#incoming = undefined
    for (const name of [...this.#index.names()]) if (!incoming.has(name)) this.#remove(name)
    for (const [name, object] of incoming) this.#set(name, object)
  }

  #set(name: string, object: T): void {
    const previous = this.#index.get(name)
    if (previous && previous.metadata.uid !== object.metadata.uid) {
      this.#remove(name)
      this.#set(name, object)
      return
    }
    if (previous?.metadata.resourceVersion === object.metadata.resourceVersion) return
    this.#index.set(object)
    for (const handlers of this.#subscribers) {
      if (previous) handlers.update?.(object, previous)
      else handlers.add?.(object)
    }
  }

  #remove(name: string, last?: T): void {
    const previous = this.#index.get(name)
    if (!previous || (last && last.metadata.uid !== previous.metadata.uid)) return
    this.#index.remove(name)
    for (const handlers of this.#subscribers) handlers.delete?.(last ?? previous)
  }
}
