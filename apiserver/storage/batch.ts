import { internalError, serviceUnavailable } from '../../lib/api/api-error.js'
import type { ObjectKey } from '../../lib/api/object-key.js'
import { assertUnclaimed } from './claims.js'
import type { CurrentView } from './current-view.js'
import type { Keyring } from './keyring.js'
import type { LogRow } from './log-driver.js'
import { rowOfChange, storedObject } from './log-row.js'
import { Overlay } from './overlay.js'
import type { Change, Decide, Decision, Put, StoredObject, WriteContext, WriteResult } from './store.js'

/** A write that waits for its turn. */
export interface WriteRequest {
  readonly key: ObjectKey
  readonly decide: Decide
  readonly context: WriteContext
  resolve(result: WriteResult): void
  reject(error: unknown): void
}

/** At most this much in one transaction. */
export interface BatchLimits {
  readonly maxRequests: number
  readonly maxBytes: number
}

export interface BatchOptions {
  readonly view: CurrentView
  readonly limits: BatchLimits
  /** The newest revision that was ever given out; the batch counts on from here. */
  readonly lastRevision: number
  readonly timeMs: number
  /** The keyring of an encrypted resource; undefined for others. */
  readonly sealing: (group: string, resource: string) => Keyring | undefined
}

/**
 * The requests of one transaction, decided one after another. An answer that may depend on a write of the same
 * batch waits for the commit; one that cannot is given at once.
 */
export class Batch {
  readonly rows: LogRow[] = []
  readonly changes: Change[] = []
  private readonly overlay: Overlay
  private readonly writers: { request: WriteRequest; result: WriteResult }[] = []
  private readonly onlookers: { request: WriteRequest; answer: () => void }[] = []
  private requests = 0
  private bytes = 0

  constructor(private readonly options: BatchOptions) {
    this.overlay = new Overlay(options.view)
  }

  /** The newest revision given out, committed or not. */
  get lastRevision(): number {
    return this.options.lastRevision + this.rows.length
  }

  /** Decides one request. False: the batch is full, and the request is as it was. */
  take(request: WriteRequest): boolean {
    const { maxRequests, maxBytes } = this.options.limits
    if (this.requests >= maxRequests || this.bytes >= maxBytes) return false
    try {
      const current = this.overlay.get(request.key)
      const decision = request.decide(current, this.overlay)
      if (decision.type !== 'unchanged' && this.rows.length > 0 && !this.hasRoomFor(decision)) return false
      this.requests++
      if (decision.type === 'unchanged') this.answerWhenSafe(request, () => request.resolve({ outcome: 'unchanged', object: current }))
      else this.append(request, decision, current)
    } catch (error) {
      this.requests++
      this.answerWhenSafe(request, () => request.reject(error))
    }
    return true
  }

  /** Answers everybody: the commit is durable and published. */
  succeed(): void {
    for (const { request, result } of this.writers) request.resolve(result)
    for (const { answer } of this.onlookers) answer()
  }

  /** Tells the writers that their outcome is unknown; returns those that only looked at what they wrote, to be decided again. */
  fail(message: string): readonly WriteRequest[] {
    for (const { request } of this.writers) request.reject(serviceUnavailable(message))
    return this.onlookers.map(({ request }) => request)
  }

  private answerWhenSafe(request: WriteRequest, answer: () => void): void {
    if (this.overlay.isEmpty) answer()
    else this.onlookers.push({ request, answer })
  }

  private hasRoomFor(decision: Changing): boolean {
    const { maxRequests, maxBytes } = this.options.limits
    const drafts = [decision.draft, ...alongside(decision).map(({ draft }) => draft)]
    if (this.rows.length + drafts.length > maxRequests) return false
    return this.bytes + drafts.reduce((sum, { bytes }) => sum + bytes.length, 0) <= maxBytes
  }

  private append(request: WriteRequest, decision: Changing, current: StoredObject | undefined): void {
    const { key, context } = request
    if (decision.type === 'delete' && !current) throw internalError(`cannot delete ${key.resource} "${key.name}": it does not exist`)
    const others = alongside(decision)
    if (decision.type === 'put') assertUnclaimed(key, decision.draft.facets.claims, this.overlay)
    for (const { key: other, draft } of others) assertUnclaimed(other, draft.facets.claims, this.overlay)
    const { type, object } = this.addRow({ key, draft: decision.draft }, decision.type, current, context)
    for (const other of others) this.addRow(other, 'put', this.overlay.get(other.key), context)
    this.writers.push({ request, result: { outcome: outcomes[type], object } })
  }

  private addRow({ key, draft }: Put, how: 'put' | 'delete', current: StoredObject | undefined, context: WriteContext): Change {
    const revision = this.lastRevision + 1
    const object = storedObject(key, draft, revision, current?.createRevision ?? revision)
    const type = how === 'delete' ? 'DELETED' : current ? 'MODIFIED' : 'ADDED'
    const change: Change = { type, revision, object, ...(current ? { previous: current } : {}) }
    this.rows.push(rowOfChange(change, context, this.options.timeMs, this.options.sealing(key.group, key.resource)))
    this.changes.push(change)
    this.overlay.add(change)
    this.bytes += object.bytes.length
    return change
  }
}

type Changing = Exclude<Decision, { type: 'unchanged' }>

const none: readonly Put[] = []
const alongside = (decision: Changing) => (decision.type === 'put' ? (decision.alongside ?? none) : none)

const outcomes = { ADDED: 'created', MODIFIED: 'updated', DELETED: 'deleted' } as const
