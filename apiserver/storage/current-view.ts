import { type ObjectKey, printKey } from '../../lib/api/object-key.js'
import { claimId, holdClaim, wholeOf } from './claims.js'
import { ResourceView } from './resource-view.js'
import type { Change, ListQuery, ReadView, StoredObject } from './store.js'

/**
 * The current state in memory: every live object's bytes, and maps by name, indexed field, owner and claim. Only committed changes enter.
 */
export class CurrentView implements ReadView {
  private readonly resources = new Map<string, ResourceView>()
  private readonly owned = new Map<string, Map<string, ObjectKey>>()
  private readonly claims = new Map<string, ObjectKey>()
  /** By the claimId of a whole: the claims of its parts that are held. */
  private readonly parts = new Map<string, Set<string>>()

  constructor(private readonly indexedPaths: (group: string, resource: string) => readonly string[]) {}

  get(key: ObjectKey): StoredObject | undefined {
    return this.resources.get(`${key.group}/${key.resource}`)?.get(key.namespace, key.name)
  }

  scan(group: string, resource: string, namespace?: string): Iterable<StoredObject> {
    return this.resources.get(`${group}/${resource}`)?.scan(namespace) ?? []
  }

  list(query: ListQuery, after?: { namespace: string; name: string }, limit?: number): StoredObject[] {
    return this.resources.get(`${query.group}/${query.resource}`)?.list(query, after, limit) ?? []
  }

  count(group: string, resource: string): number {
    return this.resources.get(`${group}/${resource}`)?.size ?? 0
  }

  *ownedBy(uid: string): Generator<StoredObject> {
    for (const key of this.owned.get(uid)?.values() ?? []) {
      const object = this.get(key)
      if (object) yield object
    }
  }

  /** Who holds exactly this claim (claimId). */
  holderOf(id: string): ObjectKey | undefined {
    return this.claims.get(id)
  }

  /** The claims of parts of this whole (claimId) that are held. */
  partsOf(id: string): Iterable<string> {
    return this.parts.get(id) ?? none
  }

  *holdersOf(group: string, resource: string, claim: string): Generator<ObjectKey> {
    const whole = wholeOf(claim)
    for (const overlapping of [claim, ...(whole === undefined ? this.partsOf(claimId({ group, resource }, claim)) : [whole])]) {
      const holder = this.claims.get(claimId({ group, resource }, overlapping))
      if (holder) yield holder
    }
  }

  apply(change: Change): void {
    const { key } = change.object
    this.forget(this.get(key))
    if (change.type === 'DELETED') this.resources.get(`${key.group}/${key.resource}`)?.delete(key.namespace, key.name)
    else this.put(change.object)
  }

  /** Adds or replaces a live object. */
  put(object: StoredObject): void {
    const { key, facets } = object
    const path = `${key.group}/${key.resource}`
    let resource = this.resources.get(path)
    if (!resource) {
      resource = new ResourceView(this.indexedPaths(key.group, key.resource))
      this.resources.set(path, resource)
    }
    resource.put(object)
    for (const claim of facets.claims) holdClaim(key, claim, this.claims, this.parts)
    for (const uid of facets.owners) {
      const dependents = this.owned.get(uid) ?? new Map<string, ObjectKey>()
      dependents.set(printKey(key), key)
      this.owned.set(uid, dependents)
    }
  }

  private release(key: ObjectKey, claim: string): void {
    this.claims.delete(claimId(key, claim))
    const whole = wholeOf(claim)
    if (whole === undefined) return
    const id = claimId(key, whole)
    const parts = this.parts.get(id)
    parts?.delete(claim)
    if (parts?.size === 0) this.parts.delete(id)
  }

  private forget(object: StoredObject | undefined): void {
    if (!object) return
    const { key } = object
    const text = printKey(key)
    for (const claim of object.facets.claims) {
      const holder = this.claims.get(claimId(key, claim))
      if (holder && printKey(holder) === text) this.release(key, claim)
    }
    for (const uid of object.facets.owners) {
      const dependents = this.owned.get(uid)
      dependents?.delete(text)
      if (dependents?.size === 0) this.owned.delete(uid)
    }
  }
}

const none: readonly string[] = []
