import type { KubeObject } from '../api/define-kind.js'
import { objectName } from '../client/resource-path.js'
import type { AnyInformer } from './cache.js'
import { controllerOf } from './owner-reference.js'

/** Answers "of what is this object the controlling owner?" without looking at all objects. */
export class OwnerIndex {
  readonly #informer: AnyInformer
  readonly #names = new Map<string, Set<string>>()
  readonly close: () => void

  constructor(informer: AnyInformer) {
    this.#informer = informer
    this.close = informer.subscribe({
      add: (object) => this.#file(object),
      update: (object, previous) => {
        this.#unfile(previous)
        this.#file(object)
      },
      delete: (object) => this.#unfile(object),
    })
  }

  ownedBy(uid: string): KubeObject[] {
    const names = [...(this.#names.get(uid) ?? [])]
    return names.map((name) => this.#informer.lister.get(name)).filter((object) => object !== undefined)
  }

  #file(object: KubeObject): void {
    const uid = controllerOf(object)?.uid
    if (uid !== undefined) this.#names.set(uid, (this.#names.get(uid) ?? new Set()).add(objectName(object)))
  }

  #unfile(object: KubeObject): void {
    const uid = controllerOf(object)?.uid
    const names = uid === undefined ? undefined : this.#names.get(uid)
    names?.delete(objectName(object))
    if (uid !== undefined && names?.size === 0) this.#names.delete(uid)
  }
}
