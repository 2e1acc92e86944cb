/**
 * Which kinds the server has: those that it was born with, and those that CustomResourceDefinitions in the store define. It follows the
 * store's commits, so that a definition's kinds are there when its writer gets the answer, and at once after a restart.
 */
import { ApiError, methodNotAllowed } from '../../lib/api/api-error.js'
import { customKinds } from '../../lib/api/custom-kinds/custom-kinds.js'
import type { Kind } from '../../lib/api/define-kind.js'
import { CustomResourceDefinition } from '../../lib/api/kinds/custom-resource-definition.js'
import type { ReadView, Store, StoredObject } from '../storage/store.js'
import { parseStored } from './object-bytes.js'

interface Definition {
  readonly stored: StoredObject
  readonly kinds: readonly Kind[]
  /** What the kinds are made from, as text: what does not change it leaves them as they are. */
  readonly essence: string
  readonly terminating: boolean
}

export class KindSet {
  readonly #builtin: readonly Kind[]
  readonly #definitions = new Map<string, Definition>()
  readonly #listeners = new Set<() => void>()
  #all: readonly Kind[] = []
  #byPath = new Map<string, Kind>()

  constructor(store: Store, builtin: readonly Kind[]) {
    this.#builtin = builtin
    const { group, plural } = CustomResourceDefinition
    if (builtin.some((kind) => kind.group === group && kind.plural === plural)) {
      for (const stored of store.list({ group, resource: plural }).objects) this.#put(stored)
      store.onCommit(({ changes }) => {
        let changed = false
        for (const { type, object } of changes) {
          if (object.key.resource !== plural || object.key.group !== group) continue
          changed = (type === 'DELETED' ? this.#definitions.delete(object.key.name) : this.#put(object)) || changed
        }
        if (changed) this.#rebuild()
      })
    }
    this.#rebuild()
  }

  /** Another list whenever a kind came, went or changed. */
  get all(): readonly Kind[] {
    return this.#all
  }

  find(group: string, version: string, plural: string): Kind | undefined {
    return this.#byPath.get(`${group}/${version}/${plural}`)
  }

  /** Whether this very declaration is served. */
  has(kind: Kind): boolean {
    return this.#byPath.get(`${kind.group}/${kind.version}/${kind.plural}`) === kind
  }

  /** Called after each change, within the commit that made it. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener)
  }

  /**
   * Throws unless objects may be written by this declaration, in the committer's
   * turn: the definition may have changed since it was looked up.
   */
  assertCurrent(kind: Kind, view: ReadView): void {
    if (!kind.definedBy) return
    const { name } = kind.definedBy
    const definition = this.#definitions.get(name)
    const { group, plural: resource } = CustomResourceDefinition
    if (definition?.kinds.includes(kind) && view.get({ group, resource, namespace: '', name }) === definition.stored) return
    throw new ApiError('ServiceUnavailable', `the definition of ${name} has just changed; send the request again`, {
      details: { retryAfterSeconds: 1 },
    })
  }

  /** Throws, too, when the definition takes nothing new. */
  assertTakes(kind: Kind, view: ReadView): void {
    if (!kind.definedBy) return
    this.assertCurrent(kind, view)
    if (this.#definitions.get(kind.definedBy.name)?.terminating)
      throw methodNotAllowed('create not allowed while custom resource definition is terminating')
  }

  /** Takes a definition in; says whether its kinds differ from before. */
  #put(stored: StoredObject): boolean {
    const { name } = stored.key
    const before = this.#definitions.get(name)
    const definition = parseStored(stored) as unknown as CustomResourceDefinition
    const { spec, status, metadata } = definition
    const established = status?.conditions?.find(({ type }) => type === 'Established')?.status
    const terminating = Boolean(metadata.deletionTimestamp)
    const hidden = terminating && !spec.versions.some(({ served }) => served)
    const essence = JSON.stringify([spec, status?.acceptedNames, established, hidden])
    const unchanged = before?.essence === essence
    const kinds = unchanged ? before.kinds : customKinds(definition, stored.revision)
    this.#definitions.set(name, { stored, kinds, essence, terminating })
    return !unchanged
  }

  #rebuild(): void {
    this.#all = [...this.#builtin, ...[...this.#definitions.values()].flatMap(({ kinds }) => kinds)]
    this.#byPath = new Map(this.#all.map((kind) => [`${kind.group}/${kind.version}/${kind.plural}`, kind]))
    for (const listener of this.#listeners) listener()
  }
}
