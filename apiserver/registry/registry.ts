/**
 * The registry is what every write and read of a resource passes: decode → defaulting → admission → validation → decide in the store's
 * turn. No kind has code of its own here but what its declaration says and, where a kind needs more, a strategy (strategies/).
 */
import type { Kind } from '../../lib/api/define-kind.js'
import type { UserInfo } from '../auth/user.js'
import type { StoredObject } from '../storage/store.js'
import type { Scale } from './scale.js'

/** What every operation knows of its request. */
export interface RequestContext {
  readonly user: UserInfo
  readonly requestId: string
  /** `fieldManager`, or the user agent up to its first slash. */
  readonly fieldManager: string
  /** Whether the client itself named its fieldManager: then what it creates is tracked. */
  readonly namesFieldManager: boolean
  readonly dryRun: boolean
  readonly fieldValidation: 'Strict' | 'Warn' | 'Ignore'
  /** Adds a `Warning` header to the answer. */
  warn(text: string): void
}

/** A request body after the one reader (read-body.ts): the value, exact integers kept, and what JSON.parse would have hidden. */
export interface DecodedBody {
  readonly value: unknown
  /** Paths of duplicate fields: `spec.tries`. */
  readonly duplicates: readonly string[]
}

export type PatchType = 'application/merge-patch+json' | 'application/json-patch+json' | 'application/strategic-merge-patch+json'

export interface UpdateOptions {
  /** Throws Forbidden unless the user may also create: called before an absent object is made. */
  assertMayCreate(): void
}

export interface ApplyOptions extends UpdateOptions {
  /** Whether fields are taken from other managers that have them otherwise. */
  readonly force: boolean
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
  /** Throws an ApiError unless this is what was meant; asked in the committer's turn. */
  readonly judge?: (stored: StoredObject | undefined) => void
}

export type EvictOptions = Pick<DeleteOptions, 'gracePeriodSeconds' | 'preconditions' | 'judge'>

/** A target within a kind. `subresource` is empty for the object itself. */
export interface Target {
  readonly kind: Kind
  readonly namespace: string
  readonly name: string
  readonly subresource: '' | 'status' | 'scale' | 'approval' | 'finalize'
}

export interface ObjectResult {
  /** A stored object, or for dry runs the object as it would be. */
  readonly object: StoredObject
  readonly created: boolean
}

export interface DeleteResult {
  /** The object with its deletionTimestamp, or the last object when it is gone. */
  readonly object: StoredObject
  readonly gone: boolean
}

/** The result of one of many bindings. */
export interface BindingResult {
  readonly namespace: string
  readonly name: string
  /** Absent on success. */
  readonly error?: { readonly reason: string; readonly message: string; readonly code: number }
}

export interface Binding {
  readonly namespace: string
  readonly name: string
  readonly nodeName: string
  /** Precondition. */
  readonly uid?: string
}

/** Every method rejects with an ApiError. Authorization is done before. */
export interface Registry {
  /** All kinds that there are now: another list whenever one came, went or changed. */
  readonly kinds: readonly Kind[]
  findKind(group: string, version: string, plural: string): Kind | undefined
  /** Whether this very declaration is served still. */
  serves(kind: Kind): boolean
  /** Calls the listener after each change of the kinds, within the commit that made it. */
  onKindsChange(listener: () => void): void
  /** A stored object in the form of the kind: users' kinds may have changed, or have several versions. */
  serve(kind: Kind, stored: StoredObject): StoredObject

  get(target: Omit<Target, 'subresource'>): StoredObject
  create(kind: Kind, namespace: string, body: DecodedBody, context: RequestContext): Promise<ObjectResult>
  /** Without options, whoever updates may also create. */
  update(target: Target, body: DecodedBody, context: RequestContext, options?: UpdateOptions): Promise<ObjectResult>
  patch(target: Target, type: PatchType, body: DecodedBody, context: RequestContext): Promise<ObjectResult>
  /** Reads how many replicas an object of a user's kind shall have and has. */
  getScale(target: Omit<Target, 'subresource'>): Scale
  /** Sets how many it shall have: `body` is a Scale, or a patch of one. */
  scale(target: Omit<Target, 'subresource'>, type: PatchType | 'replace', body: DecodedBody, context: RequestContext): Promise<Scale>
  /** Server-side apply by `context.fieldManager`: merges by the schema, and creates what is absent. */
  apply(target: Target, body: DecodedBody, options: ApplyOptions, context: RequestContext): Promise<ObjectResult>
  delete(target: Omit<Target, 'subresource'>, options: DeleteOptions, context: RequestContext): Promise<DeleteResult>
  /** Binds workloads to nodes: each once. The bulk form and the single form are this one. */
  bind(kind: Kind, bindings: readonly Binding[], context: RequestContext): Promise<readonly BindingResult[]>
  /**
   * Asks for the end of a workload's attempt, or ends it at once where it is on no node. What it takes from a disruption budget is taken in
   * the same transaction. Rejects with TooManyRequests when that must wait.
   */
  evict(target: Omit<Target, 'subresource'>, options: EvictOptions, context: RequestContext): Promise<StoredObject>
}
