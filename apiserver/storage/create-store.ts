import { badRequest } from '../../lib/api/api-error.js'
import type { ObjectKey } from '../../lib/api/object-key.js'
import type { Clock } from '../../lib/base/clock.js'
import { type Logger, silentLogger } from '../../lib/base/log.js'
import type { BatchLimits } from './batch.js'
import { Committer } from './committer.js'
import { Compaction, defaultHistoryBounds, type HistoryBounds } from './compaction.js'
import { CurrentView } from './current-view.js'
import type { Keyring } from './keyring.js'
import type { LogDriver, LogFault, LogMarks, LogRow } from './log-driver.js'
import { objectOfRow } from './log-row.js'
import { PastReader, tooLargeRevision } from './past-reader.js'
import { RecentChanges } from './recent-changes.js'
import { listRecentPast } from './recent-past.js'
import type {
  Change,
  Commit,
  Decide,
  ListQuery,
  ListResult,
  LogEntry,
  ResourcePolicy,
  Store,
  StoredObject,
  WriteContext,
  WriteResult,
  WriteState,
} from './store.js'
import { WriteGate } from './write-gate.js'

/** What a kind says of its storage; undefined for resources that nobody declared. */
export type PolicyOf = (group: string, resource: string) => ResourcePolicy | undefined

export interface StoreOptions {
  readonly driver: LogDriver
  readonly policyOf: PolicyOf
  /** Seals the kinds whose policy is `encrypted`. */
  readonly keyring: Keyring
  readonly clock: Clock
  readonly logger?: Logger | undefined
  /** Default 500 requests and 8 MiB. */
  readonly limits?: BatchLimits | undefined
  readonly history?: HistoryBounds | undefined
  /** What the in-memory record of recent changes holds; older ones are read from the log. Default 16384. */
  readonly recentChanges?: number | undefined
  /** Told of each commit's number of rows; for metrics. */
  readonly onBatch?: ((batch: { rows: number }) => void) | undefined
}

/** Opens the log, loads the current objects and takes writes. Rejects with a sentence when the log cannot be opened. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { driver, keyring } = options
  const policyOf = (group: string, resource: string) => options.policyOf(group, resource) ?? undeclared
  const position = await driver.open()
  try {
    const view = new CurrentView((group, resource) => policyOf(group, resource).indexed)
    await driver.load((rows) => {
      for (const row of rows) view.put(objectOfRow(row, keyring))
    })
    const revision = Math.max(firstRevision, position.lastRevision, position.marks.compactRevision)
    return new LogStore({ ...options, policyOf }, view, revision, position.marks)
  } catch (error) {
    await driver.close()
    throw error
  }
}

/** What an empty store is at. */
const firstRevision = 1
const undeclared: ResourcePolicy = { history: 'keep', encrypted: false, indexed: [] }
const defaultLimits: BatchLimits = { maxRequests: 500, maxBytes: 8 * 1024 * 1024 }

class LogStore implements Store {
  private readonly driver: LogDriver
  private readonly keyring: Keyring
  private readonly logger: Logger
  private readonly recent: RecentChanges
  private readonly gate: WriteGate
  private readonly committer: Committer
  private readonly compaction: Compaction
  private readonly past: PastReader
  private readonly listeners = new Set<(commit: Commit) => void>()
  private closing: Promise<void> | undefined

  constructor(
    options: Omit<StoreOptions, 'policyOf'> & { policyOf: (group: string, resource: string) => ResourcePolicy },
    private readonly view: CurrentView,
    private current: number,
    marks: LogMarks,
  ) {
    const { driver, keyring, clock, policyOf } = options
    this.driver = driver
    this.keyring = keyring
    this.logger = options.logger ?? silentLogger
    this.recent = new RecentChanges(current, options.recentChanges)
    this.gate = new WriteGate({ clock, logger: this.logger, heal: (fault) => this.heal(fault) })
    this.committer = new Committer({
      driver,
      view,
      limits: options.limits ?? defaultLimits,
      sealing: (group, resource) => (policyOf(group, resource).encrypted ? keyring : undefined),
      revision: () => this.current,
      clock,
      refusal: () => this.gate.refusal,
      publish: (changes) => this.publish(changes),
      publishFound: (rows) => this.publishFound(rows),
      onFault: (fault) => this.gate.onFault(fault),
      onWritable: () => this.gate.onWritable(),
      onBatch: options.onBatch,
    })
    this.compaction = new Compaction(
      {
        driver,
        policyOf,
        bounds: options.history ?? defaultHistoryBounds,
        now: () => clock.now(),
        exclusive: (job) => this.committer.exclusive(job),
        stopped: () => this.closing !== undefined,
      },
      marks,
    )
    this.past = new PastReader({ driver, keyring, floor: () => this.compaction.floor })
  }

  get revision(): number {
    return this.current
  }
  get compactRevision(): number {
    return this.compaction.floor
  }
  get writeState(): WriteState {
    return this.closing ? { open: false, reason: 'the store is closed' } : this.gate.state
  }

  get(key: ObjectKey): StoredObject | undefined {
    return this.view.get(key)
  }
  list(query: ListQuery): ListResult {
    return { revision: this.current, objects: this.view.list(query) }
  }
  count(group: string, resource: string): number {
    return this.view.count(group, resource)
  }
  ownedBy(uid: string): readonly StoredObject[] {
    return [...this.view.ownedBy(uid)]
  }
  holdersOf(group: string, resource: string, claim: string): Iterable<ObjectKey> {
    return this.view.holdersOf(group, resource, claim)
  }

  async listAt(query: Parameters<Store['listAt']>[0]): Promise<ListResult> {
    const { revision } = query
    this.past.checkFloor(revision)
    if (revision > this.current) throw tooLargeRevision(revision, this.current)
    if (revision === this.current) return { revision, objects: this.view.list(query, query.after, query.limit) }
    const objects = listRecentPast(this.view, this.recent, query, this.current) ?? (await this.past.listAt(query))
    return { revision, objects }
  }

  write(key: ObjectKey, decide: Decide, context: WriteContext): Promise<WriteResult> {
    return new Promise((resolve, reject) => this.committer.submit({ key, decide, context, resolve, reject }))
  }

  onCommit(listener: (commit: Commit) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  async changesSince(query: Parameters<Store['changesSince']>[0]): Promise<readonly Change[]> {
    const { group, resource, after } = query
    const upTo = Math.min(query.upTo ?? this.current, this.current)
    this.past.checkFloor(after)
    return this.recent.since(group, resource, after, upTo) ?? (await this.past.changes({ group, resource, after, upTo }))
  }

  async history(key: ObjectKey): Promise<readonly LogEntry[]> {
    return this.past.history(key)
  }

  async compact(revision: number): Promise<void> {
    if (revision > this.current) throw badRequest(`cannot compact to revision ${revision}: the newest is ${this.current}`)
    await this.compaction.raiseFloor(revision)
    await this.compaction.drop()
  }

  async close(): Promise<void> {
    this.closing ??= this.stop()
    await this.closing
  }

  private async stop(): Promise<void> {
    this.gate.stop()
    await this.committer.stop()
    await this.driver.close()
  }

  private heal(fault: LogFault): Promise<void> {
    return this.committer.repair(async () => {
      if (fault.fault === 'io') await this.driver.reopen()
      await this.committer.readBack()
      await this.driver.probe()
    })
  }

  private publishFound(rows: readonly LogRow[]): void {
    this.logger.warn({ rows: rows.length }, 'rows of a failed commit were found in the log: they count as committed')
    const changes: Change[] = []
    for (const row of rows) {
      const previous = changes.findLast((change) => change.revision === row.previousRevision)?.object ?? this.view.get(row.key)
      changes.push({
        type: row.type,
        revision: row.revision,
        object: objectOfRow(row, this.keyring),
        ...(row.type !== 'ADDED' && previous ? { previous } : {}),
      })
    }
    this.publish(changes)
  }

  private publish(changes: readonly Change[]): void {
    for (const change of changes) {
      this.view.apply(change)
      this.recent.push(change)
    }
    this.current = changes.at(-1)?.revision ?? this.current
    const commit = { revision: this.current, changes }
    for (const listener of this.listeners) {
      try {
        listener(commit)
      } catch (error) {
        this.logger.error({ error: String(error), revision: this.current }, 'a commit listener threw')
      }
    }
  }
}
