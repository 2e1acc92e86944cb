/**
 * What keeps the log. A driver appends, reads and drops rows, and knows nothing of decisions, selectors, policies or sealing: bytes go in
 * and come out as they are. The one rule: `commit` resolves when its rows are durable, and they are all there or none is.
 *
 *     await driver.commit({ after: 41, readBack: false, decide: () => [rowOfRevision42, rowOfRevision43] })
 */
import type { ObjectKey } from '../../lib/api/object-key.js'

/** What a row says of the object itself. */
export interface ObjectRow {
  readonly revision: number
  readonly key: ObjectKey
  readonly uid: string
  /** The revision that created this object. */
  readonly createRevision: number
  /** The id of the key that sealed `bytes`; empty for plain ones. */
  readonly sealedBy: string
  /** Facets as JSON (facets-json.ts). */
  readonly facets: string
  readonly bytes: Buffer
}

/** One row: an object after one change. For DELETED it is the last object, with the deletion's revision. */
export interface LogRow extends ObjectRow {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  /** The row that this one supersedes; 0 for ADDED. */
  readonly previousRevision: number
  /** Version of the layout of `bytes`. */
  readonly format: number
  readonly actor: string
  readonly requestId: string
  /** Milliseconds since the epoch. */
  readonly timeMs: number
}

/** A row and the one it supersedes, where the log still has that. */
export interface LogStep {
  readonly row: LogRow
  readonly previous: ObjectRow | undefined
}

/** What compaction needs of a row. */
export interface LogLink {
  readonly revision: number
  readonly type: LogRow['type']
  readonly key: ObjectKey
  readonly previousRevision: number
  readonly timeMs: number
}

/** How far compaction got. Kept with the log. */
export interface LogMarks {
  /** The floor of watches and lists. Every dropped revision lies at or below it. */
  readonly compactRevision: number
  /** Rows up to here were looked at by the pass that applies each kind's retention. */
  readonly compactedTo: number
  /** Rows up to here were looked at by the pass that drops history by age. */
  readonly agedTo: number
}

/** Where the log stands when it is opened. */
export interface LogPosition {
  /** The newest revision in the log; 0 when it has no rows. */
  readonly lastRevision: number
  readonly marks: LogMarks
}

export interface CommitTurn {
  /** The newest revision that the caller knows. */
  readonly after: number
  /** Whether rows beyond `after` may exist: after a failed commit. A driver that others write beside always looks. */
  readonly readBack: boolean
  /** Called at most once, synchronously in the log's turn, with the rows beyond `after`; returns what to append. */
  readonly decide: (found: readonly LogRow[]) => readonly LogRow[]
}

/** New bytes of a row. */
export type SealedBytes = Pick<ObjectRow, 'revision' | 'bytes' | 'sealedBy'>

/** Which rows: revision > `after` and <= `upTo`, in revision order, at most `limit`. */
export interface LogRange {
  readonly group: string
  readonly resource: string
  readonly after: number
  readonly upTo: number
  readonly limit: number
}

/** The objects of a resource as they were at `revision`, by namespace and name. */
export interface SnapshotQuery {
  readonly group: string
  readonly resource: string
  readonly namespace?: string | undefined
  readonly revision: number
  readonly after?: { readonly namespace: string; readonly name: string } | undefined
  readonly limit: number
}

export interface LogDriver {
  open(): Promise<LogPosition>
  /** Lets go of the files and opens them again; what is read afterwards is what the disk has. */
  reopen(): Promise<void>
  close(): Promise<void>
  /** Current objects, in pages, in no particular order. */
  load(onPage: (rows: readonly ObjectRow[]) => void): Promise<void>

  /** One transaction. Never called twice at once, nor beside `mark`, `drop`, `reseal` or `probe`. Rejects with a LogFault. */
  commit(turn: CommitTurn): Promise<void>
  /** A tiny durable write, to learn whether the disk takes one. */
  probe(): Promise<void>

  steps(range: LogRange): Promise<readonly LogStep[]>
  snapshot(query: SnapshotQuery): Promise<readonly ObjectRow[]>
  /** All rows of one key, oldest first. */
  rowsOf(key: ObjectKey): Promise<readonly LogRow[]>

  mark(marks: LogMarks): Promise<void>
  /** Rows with revision > `after` and <= `upTo`, in revision order, at most `limit`. */
  links(range: Omit<LogRange, 'group' | 'resource'>): Promise<readonly LogLink[]>
  /** Revisions of rows of these keys that have at least `keep` newer rows of their key at or below `upTo`. */
  excess(query: { keys: readonly ObjectKey[]; keep: number; upTo: number }): Promise<readonly number[]>
  drop(revisions: readonly number[]): Promise<void>

  /** Sealed rows with revision > `after`, in revision order, at most `limit`. */
  sealedRows(after: number, limit: number): Promise<readonly ObjectRow[]>
  /** Replaces bytes and key id of rows, nothing else. */
  reseal(rows: readonly SealedBytes[]): Promise<void>
}

/** Why the log did not do what was asked. After `io` the file must be reopened before the next write; `disk-full` heals by itself. */
export class LogFault extends Error {
  override readonly name = 'LogFault'
  constructor(
    readonly fault: 'disk-full' | 'io',
    message: string,
  ) {
    super(message)
  }
}

/** Any failure of a driver as a LogFault; what is not one counts as an I/O error. */
export function logFaultOf(error: unknown): LogFault {
  return error instanceof LogFault ? error : new LogFault('io', error instanceof Error ? error.message : String(error))
}
