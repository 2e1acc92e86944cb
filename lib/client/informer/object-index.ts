import type { KubeObject } from '../../api/define-kind.js'
import { type LabelSelector, matchesLabels } from '../../api/label-selector.js'
import { objectName } from '../resource-path.js'

/** Under which values an index files an object; none leaves it out. */
export type IndexFunction<T> = (object: T) => readonly (string | undefined)[]

/**
 * A local copy of objects, read by name, namespace, label or index. The objects are shared by all readers: nobody changes them
 * (`structuredClone` gives a private copy).
 */
export interface Lister<T, IndexName extends string = never> {
  readonly size: number
  /** By `namespace/name`, or the name alone for cluster-scoped kinds. */
  get(name: string): T | undefined
  list(): T[]
  inNamespace(namespace: string): T[]
  by(index: IndexName, value: string): T[]
  select(selector: LabelSelector): T[]
}

interface Index<T> {
  readonly name: string
  readonly values: IndexFunction<T>
  /** Names of objects, by value. */
  readonly entries: Map<string, Set<string>>
}

/** The map behind a Lister, with its indexes kept in step. */
export class ObjectIndex<T extends KubeObject, IndexName extends string = never> implements Lister<T, IndexName> {
  readonly #objects = new Map<string, T>()
  readonly #indexes: readonly Index<T>[]

  constructor(indexes: Readonly<Record<IndexName, IndexFunction<T>>>) {
    const named: [string, IndexFunction<T>][] = Object.entries(indexes)
    this.#indexes = [[byNamespace, namespaceOf] as [string, IndexFunction<T>], ...named].map(([name, values]) => ({
      name,
      values,
      entries: new Map(),
    }))
  }

  get size(): number {
    return this.#objects.size
  }
  get(name: string): T | undefined {
    return this.#objects.get(name)
  }
  list(): T[] {
    return [...this.#objects.values()]
  }
  inNamespace(namespace: string): T[] {
    return this.#lookUp(byNamespace, namespace)
  }
  by(index: IndexName, value: string): T[] {
    return this.#lookUp(index, value)
  }
  select(selector: LabelSelector): T[] {
    return this.list().filter((object) => matchesLabels(selector, object.metadata.labels ?? {}))
  }
  names(): IterableIterator<string> {
    return this.#objects.keys()
  }

  set(object: T): void {
    const name = objectName(object)
    const previous = this.#objects.get(name)
    this.#objects.set(name, object)
    for (const index of this.#indexes) refile(index, name, previous ? index.values(previous) : [], index.values(object))
  }

  remove(name: string): void {
    const previous = this.#objects.get(name)
    if (!previous) return
    this.#objects.delete(name)
    for (const index of this.#indexes) refile(index, name, index.values(previous), [])
  }

  #lookUp(indexName: string, value: string): T[] {
    const index = this.#indexes.find(({ name }) => name === indexName)
    if (!index) throw new Error(`there is no index ${indexName}`)
    const found: T[] = []
    for (const name of index.entries.get(value) ?? []) {
      const object = this.#objects.get(name)
      if (object) found.push(object)
    }
    return found
  }
}

/** Most changes leave an object filed where it was. */
function refile(index: Index<never>, name: string, before: readonly (string | undefined)[], after: readonly (string | undefined)[]): void {
  if (before.length === after.length && before.every((value, at) => value === after[at])) return
  for (const value of before) {
    if (value === undefined) continue
    const names = index.entries.get(value)
    names?.delete(name)
    if (names?.size === 0) index.entries.delete(value)
  }
  for (const value of after) {
    if (value === undefined) continue
    const names = index.entries.get(value)
    if (names) names.add(name)
    else index.entries.set(value, new Set([name]))
  }
}

/** The index that is always there; its name cannot clash with a caller's. */
const byNamespace = ''

function namespaceOf(object: KubeObject): readonly (string | undefined)[] {
  return [object.metadata.namespace]
}
