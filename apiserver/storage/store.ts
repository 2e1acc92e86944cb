/**
 * The store: one append-only log, one current view, one writer.
 *
 * A write is a pure, synchronous `decide` that the committer runs in its turn, against committed state plus what the same
 * batch has already decided. Whatever it throws or returns is answered only when everything that it could see is durable. The
 * order per batch is: durable, view, commit listeners, answers.
 *
 *     const decide = (current) => current ? { type: 'unchanged' } : { type: 'put', draft }
 *     const result = await store.write(key, decide, { actor: 'admin', requestId })
 */
import type { ObjectKey } from '../../lib/api/object-key.js'

/** What an object is found by without parsing its bytes. */
export interface Facets {
  readonly labels: Readonly<Record<string, string>>
  /** Values of the kind's indexed and selectable field paths; an absent field is absent here. */
  readonly fields: Readonly<Record<string, string>>
  /** Uids of metadata.ownerReferences. */
  readonly owners: readonly string[]
  /**
   * Values that no other object may hold, each prefixed by its claim:
   * `cluster:spec.address=172.30.0.5`; see claims.ts. Checked in the committer's turn.
   */
  readonly claims: readonly string[]
}

/** An object serialised once, without a resourceVersion; the committer splices `"resourceVersion":"N",` in at `spliceAt`. */
export interface ObjectDraft {
  readonly uid: string
  readonly bytes: Buffer
  /** Offset just after `"metadata":{`. */
  readonly spliceAt: number
  readonly facets: Facets
}

/** An object as the store holds it. Immutable; `bytes` are what GET, LIST and WATCH send. */
export interface StoredObject {
  readonly key: ObjectKey
  /** The revision of its last change: the resourceVersion. */
  readonly revision: number
  readonly createRevision: number
  readonly uid: string
  readonly bytes: Buffer
  readonly facets: Facets
}

/** One row of the log as watchers see it. For DELETED, `object` is the last object with the deletion's revision. */
export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly revision: number
  readonly object: StoredObject
  /** The object before the change; absent for ADDED. Its facets decide whether a selector's object enters or leaves. */
  readonly previous?: StoredObject
}

/** All changes of one transaction, in revision order, and the revision that the store is at after it. */
export interface Commit {
  readonly revision: number
  readonly changes: readonly Change[]
}

/** An object that is put. */
export interface Put {
  readonly key: ObjectKey
  readonly draft: ObjectDraft
}

export type Decision =
  /** `alongside`: other objects that change with it, in the same transaction: all or none. */
  | { readonly type: 'put'; readonly draft: ObjectDraft; readonly alongside?: readonly Put[] }
  | { readonly type: 'delete'; readonly draft: ObjectDraft }
  | { readonly type: 'unchanged' }

/** What a decision may look at: committed state plus the batch's own decisions. */
export interface ReadView {
  get(key: ObjectKey): StoredObject | undefined
  /** Objects of one resource; without a namespace, of all. In no particular order. Stops early when the consumer does. */
  scan(group: string, resource: string, namespace?: string): Iterable<StoredObject>
  /** Objects of every resource that name `uid` in metadata.ownerReferences. In no particular order. */
  ownedBy(uid: string): Iterable<StoredObject>
  /** Who holds a claim, or one that overlaps it (claims.ts). */
  holdersOf(group: string, resource: string, claim: string): Iterable<ObjectKey>
}

/** Pure and synchronous. Throws an ApiError to refuse. */
export type Decide = (current: StoredObject | undefined, view: ReadView) => Decision

export interface WriteContext {
  /** The user name that the log records. */
  readonly actor: string
  readonly requestId: string
}

export interface WriteResult {
  readonly outcome: 'created' | 'updated' | 'deleted' | 'unchanged'
  /** The object after the write; for `deleted` the last object with the deletion's revision. Absent only for `unchanged` on nothing. */
  readonly object: StoredObject | undefined
}

export interface ListQuery {
  readonly group: string
  readonly resource: string
  /** Absent: all namespaces. */
  readonly namespace?: string
  /** Equality on an indexed field path, found by a map: `{ path: 'spec.nodeName', value: 'n1' }`. */
  readonly indexed?: { readonly path: string; readonly value: string }
}

export interface ListResult {
  /** The revision that the list is true at. */
  readonly revision: number
  /** Sorted by namespace, then name (byte order). */
  readonly objects: readonly StoredObject[]
}

/** One revision of one object's history, newest last. */
export interface LogEntry {
  readonly change: Change
  readonly actor: string
  readonly requestId: string
  /** Wall-clock time of the commit, milliseconds since the epoch. */
  readonly timeMs: number
}

export interface WriteState {
  /** Whether writes are taken. */
  readonly open: boolean
  /** Why not, in words. */
  readonly reason?: string
}

export interface Store {
  /** The newest committed revision. Starts at 1 for an empty store. */
  readonly revision: number
  /** The floor: watches, lists and continue tokens below it answer 410. */
  readonly compactRevision: number
  readonly writeState: WriteState

  get(key: ObjectKey): StoredObject | undefined
  list(query: ListQuery): ListResult
  /**
   * The list as it was at `revision`. Throws Expired below the compact revision.
   * `after`: only keys above (namespace, name); at most `limit`.
   */
  listAt(query: ListQuery & { revision: number; after?: { namespace: string; name: string }; limit?: number }): Promise<ListResult>
  /** The number of live objects of a resource. */
  count(group: string, resource: string): number
  /** Objects of every resource that name `uid` in metadata.ownerReferences. In no particular order. */
  ownedBy(uid: string): readonly StoredObject[]
  /** Who holds a claim, or one that overlaps it (claims.ts). */
  holdersOf(group: string, resource: string, claim: string): Iterable<ObjectKey>

  /** Decides and commits. Rejects with what `decide` threw, or with ServiceUnavailable when the outcome is unknown or writes are closed. */
  write(key: ObjectKey, decide: Decide, context: WriteContext): Promise<WriteResult>

  /** Called synchronously after each commit, in revision order. Returns how to stop. A listener must not throw. */
  onCommit(listener: (commit: Commit) => void): () => void
  /**
   * The changes of a resource with revision > `after` and <= `upTo` (default: the newest), in order. Throws Expired when `after` lies below
   * the compact revision. Recent changes come from memory, older ones from the log.
   */
  changesSince(query: { group: string; resource: string; after: number; upTo?: number }): Promise<readonly Change[]>
  /** What the log still has of one object, oldest first; of every uid that the key had. */
  history(key: ObjectKey): Promise<readonly LogEntry[]>

  /** Raises the floor to `revision` and drops what lies below it, in small steps. */
  compact(revision: number): Promise<void>
  close(): Promise<void>
}

/** What the store must know of a resource; from its kind. Unknown resources keep history and are not encrypted. */
export interface ResourcePolicy {
  readonly history: 'keep' | 'none'
  readonly encrypted: boolean
  readonly indexed: readonly string[]
}
