import type { Kind, KubeObject, Resource } from '../api/define-kind.js'
import type { ObjectName } from '../client/client.js'
import type { Informer } from '../client/informer/informer.js'
import { objectName } from '../client/resource-path.js'
import { kindOf } from '../client/watch/watch-source.js'
import { OwnerIndex } from './owner-index.js'

/** An informer of any kind. */
export type AnyInformer = Informer<KubeObject>

/**
 * What a controller's informers show. The objects are shared: nobody changes them. Kinds that the controller does not declare are an error.
 */
export interface Cache {
  get<K extends Kind>(kind: K, at: ObjectName): Resource<K> | undefined
  /** Of one namespace, or all that are followed. */
  list<K extends Kind>(kind: K, namespace?: string): Resource<K>[]
}

/** The informers of one controller, by kind. */
export class InformerCache implements Cache {
  readonly #shown: <T>(object: T) => T
  readonly #byKind: ReadonlyMap<string, { readonly informer: AnyInformer; readonly owners: OwnerIndex }>

  /** `frozen`: what it shows cannot be changed, and whoever tries is told by an error. */
  constructor(informers: readonly AnyInformer[], frozen = false) {
    this.#shown = frozen ? deepFreeze : (object) => object
    // Of two informers of a kind, the one that follows all of it is read.
    const wholeLast = [...informers].sort((a, b) => Number(isWhole(a)) - Number(isWhole(b)))
    this.#byKind = new Map(wholeLast.map((informer) => [kindOf(informer.kind), { informer, owners: new OwnerIndex(informer) }]))
  }

  has(kind: Kind): boolean {
    return this.#byKind.has(kindOf(kind))
  }
  get<K extends Kind>(kind: K, at: ObjectName): Resource<K> | undefined {
    return this.#shown(this.#of(kind).informer.lister.get(objectName({ metadata: at as KubeObject['metadata'] }))) as unknown as
      | Resource<K>
      | undefined
  }
  list<K extends Kind>(kind: K, namespace?: string): Resource<K>[] {
    const { lister } = this.#of(kind).informer
    const found = namespace === undefined ? lister.list() : lister.inNamespace(namespace)
    return found.map((object) => this.#shown(object)) as unknown as Resource<K>[]
  }
  /**
   * What an owner has, of this kind. Whoever names in one namespace an owner of
   * another gets nothing to do with it: owners own where they are.
   */
  ownedBy<K extends Kind>(kind: K, { uid, namespace }: Pick<KubeObject['metadata'], 'uid' | 'namespace'>): Resource<K>[] {
    const found = this.#of(kind)
      .owners.ownedBy(uid)
      .filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace)
    return found.map((object) => this.#shown(object)) as unknown as Resource<K>[]
  }
  close(): void {
    for (const { owners } of this.#byKind.values()) owners.close()
  }

  #of(kind: Kind): { readonly informer: AnyInformer; readonly owners: OwnerIndex } {
    const found = this.#byKind.get(kindOf(kind))
    if (!found) throw new Error(`the controller does not follow ${kind.plural}: name the kind in its owns or watches`)
    return found
  }
}

function isWhole({ source }: AnyInformer): boolean {
  return source.labelSelector === undefined && source.fieldSelector === undefined
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const member of Object.values(value)) deepFreeze(member)
  return Object.freeze(value)
}
