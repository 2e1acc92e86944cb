import { conflict } from '../../lib/api/api-error.js'
import { type ObjectKey, printKey } from '../../lib/api/object-key.js'
import { type CurrentView, claimId } from './current-view.js'
import type { Change, ReadView, StoredObject } from './store.js'

/** What a batch has decided and not yet committed, over the committed view. Dropped as a whole when the commit fails. */
export class Overlay implements ReadView {
  /** By printed key; undefined: deleted by this batch. */
  private readonly objects = new Map<string, StoredObject | undefined>()
  /** By claimId; undefined: released by this batch. */
  private readonly claims = new Map<string, ObjectKey | undefined>()

  constructor(private readonly committed: CurrentView) {}

  get isEmpty(): boolean {
    return this.objects.size === 0
  }

  get(key: ObjectKey): StoredObject | undefined {
    if (this.isEmpty) return this.committed.get(key)
    const text = printKey(key)
    return this.objects.has(text) ? this.objects.get(text) : this.committed.get(key)
  }

  scan(group: string, resource: string, namespace?: string): Iterable<StoredObject> {
    return this.over(
      this.committed.scan(group, resource, namespace),
      ({ key }) => key.group === group && key.resource === resource && (namespace === undefined || key.namespace === namespace),
    )
  }

  ownedBy(uid: string): Iterable<StoredObject> {
    return this.over(this.committed.ownedBy(uid), (object) => object.facets.owners.includes(uid))
  }

  /** Throws a Conflict that names the holder when `object` claims what another one holds. */
  checkClaims(object: { key: ObjectKey; facets: { claims: readonly string[] } }): void {
    for (const claim of object.facets.claims) {
      const id = claimId(object.key, claim)
      const holder = this.claims.has(id) ? this.claims.get(id) : this.committed.holderOf(id)
      if (holder && printKey(holder) !== printKey(object.key)) throw claimed(object.key, claim, holder)
    }
  }

  add(change: Change): void {
    const { key, facets } = change.object
    for (const claim of change.previous?.facets.claims ?? []) this.claims.set(claimId(key, claim), undefined)
    this.objects.set(printKey(key), change.type === 'DELETED' ? undefined : change.object)
    if (change.type !== 'DELETED') for (const claim of facets.claims) this.claims.set(claimId(key, claim), key)
  }

  private *over(committed: Iterable<StoredObject>, matches: (object: StoredObject) => boolean): Generator<StoredObject> {
    for (const object of committed) if (this.isEmpty || !this.objects.has(printKey(object.key))) yield object
    for (const object of this.objects.values()) if (object && matches(object)) yield object
  }
}

function claimed(key: ObjectKey, claim: string, holder: ObjectKey): Error {
  const what = claim.replace(/^[a-z]+:/, '')
  const who = holder.namespace === '' ? holder.name : `${holder.namespace}/${holder.name}`
  return conflict(key, `${what} is already held by ${holder.resource} "${who}"`)
}
