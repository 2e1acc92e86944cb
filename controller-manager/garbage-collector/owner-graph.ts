import type { Kind, KubeObject } from '../../lib/api/define-kind.js'
import type { OwnerReference } from '../../lib/api/object-meta.js'
import { kindOf } from '../../lib/client/watch/watch-source.js'

export const orphanFinalizer = 'orphan'
export const foregroundFinalizer = 'foregroundDeletion'

/** What is known of every object: where it is. */
export interface Whereabouts {
  /** `v1 Node`. */
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

/** An object that has owners, or whose deletion waits for the collector. */
export interface GraphItem extends Whereabouts {
  readonly uid: string
  readonly resourceVersion: string
  readonly owners: readonly OwnerReference[]
  readonly finalizers: readonly string[]
  readonly deleting: boolean
}

/**
 * Who owns whom, by uid: of all objects where they are, of those that matter to the collector what it needs, and of none the content. Every
 * change returns the uids that are to be looked at because of it.
 */
export class OwnerGraph {
  readonly #everything = new Map<string, Whereabouts>()
  readonly #items = new Map<string, GraphItem>()
  readonly #dependents = new Map<string, Set<string>>()
  #incoming: Set<string> | undefined

  /** The kinds that are followed, by `apiVersion kind`. */
  kinds: ReadonlyMap<string, Kind> = new Map()

  /** The kind that an owner reference names, in whichever version. */
  ownerKind({ apiVersion, kind }: Pick<OwnerReference, 'apiVersion' | 'kind'>): Kind | undefined {
    const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
    return this.kinds.get(`${apiVersion} ${kind}`) ?? [...this.kinds.values()].find((one) => one.group === group && one.kind === kind)
  }

  where(uid: string): Whereabouts | undefined {
    return this.#everything.get(uid)
  }
  item(uid: string): GraphItem | undefined {
    return this.#items.get(uid)
  }
  dependentsOf(uid: string): GraphItem[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap((dependent) => this.#items.get(dependent) ?? [])
  }

  /** A whole state follows. */
  begin(): void {
    this.#incoming = new Set()
  }

  /** The state is whole: what it did not bring is gone. */
  complete(): string[] {
    const incoming = this.#incoming ?? new Set()
    this.#incoming = undefined
    return [...this.#everything.keys()].filter((uid) => !incoming.has(uid)).flatMap((uid) => this.#forget(uid))
  }

  change(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject): string[] {
    const { uid } = object.metadata
    if (type === 'DELETED') {
      this.#incoming?.delete(uid)
      return this.#forget(uid)
    }
    this.#incoming?.add(uid)
    return this.#set(object)
  }

  #set(object: KubeObject): string[] {
    const { uid, name, namespace = '', resourceVersion, ownerReferences: owners = [], finalizers = [], deletionTimestamp } = object.metadata
    if (!this.#everything.has(uid)) this.#everything.set(uid, { kind: kindOf(object), namespace, name })
    const before = this.#items.get(uid)
    const deleting = deletionTimestamp != null
    const waits = deleting && finalizers.some((finalizer) => finalizer === orphanFinalizer || finalizer === foregroundFinalizer)
    if (owners.length === 0 && !waits) {
      this.#drop(uid)
      return before ? before.owners.map((owner) => owner.uid) : []
    }
    const item: GraphItem = { kind: kindOf(object), namespace, name, uid, resourceVersion, owners, finalizers, deleting }
    this.#drop(uid)
    this.#items.set(uid, item)
    for (const owner of owners) {
      const dependents = this.#dependents.get(owner.uid)
      if (dependents) dependents.add(uid)
      else this.#dependents.set(owner.uid, new Set([uid]))
    }
    const affected = [uid, ...(before?.owners ?? []).map((owner) => owner.uid), ...owners.map((owner) => owner.uid)]
    return waits ? [...affected, ...(this.#dependents.get(uid) ?? [])] : affected
  }

  #forget(uid: string): string[] {
    const owners = this.#items.get(uid)?.owners.map((owner) => owner.uid) ?? []
    this.#everything.delete(uid)
    this.#drop(uid)
    return [...(this.#dependents.get(uid) ?? []), ...owners]
  }

  #drop(uid: string): void {
    for (const owner of this.#items.get(uid)?.owners ?? []) {
      const dependents = this.#dependents.get(owner.uid)
      dependents?.delete(uid)
      if (dependents?.size === 0) this.#dependents.delete(owner.uid)
    }
    this.#items.delete(uid)
  }
}
