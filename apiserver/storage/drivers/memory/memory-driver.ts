import { type ObjectKey, printKey } from '../../../../lib/api/object-key.js'
import type {
  CommitTurn,
  LogDriver,
  LogLink,
  LogMarks,
  LogPosition,
  LogRange,
  LogRow,
  LogStep,
  SealedBytes,
  SnapshotQuery,
} from '../../log-driver.js'
import { compareNames } from '../../resource-view.js'

/**
 * A log in memory, for tests. It outlives `close`: opening the same driver again finds what was committed, as a file would be found. Every
 * answer comes a turn of the event loop later, so that requests gather in batches as they do on a disk.
 */
export class MemoryDriver implements LogDriver {
  private rows: LogRow[] = []
  private marks: LogMarks = { compactRevision: 0, compactedTo: 0, agedTo: 0 }

  async open(): Promise<LogPosition> {
    return { lastRevision: this.rows.at(-1)?.revision ?? 0, marks: this.marks }
  }
  async reopen(): Promise<void> {}
  async close(): Promise<void> {}

  async load(onPage: (rows: readonly LogRow[]) => void): Promise<void> {
    onPage([...this.newest(() => true, Number.POSITIVE_INFINITY)])
  }

  async commit({ after, readBack, decide }: CommitTurn): Promise<void> {
    const rows = decide(readBack ? this.rows.filter((row) => row.revision > after) : [])
    await nextTurn()
    this.rows.push(...rows)
  }
  async probe(): Promise<void> {}

  async steps({ group, resource, after, upTo, limit }: LogRange): Promise<readonly LogStep[]> {
    return this.rows
      .filter((row) => row.revision > after && row.revision <= upTo && row.key.group === group && row.key.resource === resource)
      .slice(0, limit)
      .map((row) => ({ row, previous: this.rows.find((other) => other.revision === row.previousRevision) }))
  }

  async snapshot({ group, resource, namespace, revision, after, limit }: SnapshotQuery): Promise<readonly LogRow[]> {
    const wanted = ({ key }: LogRow) =>
      key.group === group &&
      key.resource === resource &&
      (namespace === undefined || key.namespace === namespace) &&
      (!after || compareNames(key, after) > 0)
    return this.newest(wanted, revision)
      .sort((a, b) => compareNames(a.key, b.key))
      .slice(0, limit)
  }

  async rowsOf(key: ObjectKey): Promise<readonly LogRow[]> {
    return this.rows.filter((row) => printKey(row.key) === printKey(key))
  }

  async mark(marks: LogMarks): Promise<void> {
    this.marks = marks
  }

  async links({ after, upTo, limit }: { after: number; upTo: number; limit: number }): Promise<readonly LogLink[]> {
    return this.rows.filter((row) => row.revision > after && row.revision <= upTo).slice(0, limit)
  }

  async excess({ keys, keep, upTo }: { keys: readonly ObjectKey[]; keep: number; upTo: number }): Promise<readonly number[]> {
    return keys.flatMap((key) => {
      const revisions = this.rows.filter((row) => printKey(row.key) === printKey(key) && row.revision <= upTo).map((row) => row.revision)
      return revisions.slice(0, Math.max(0, revisions.length - keep))
    })
  }

  async drop(revisions: readonly number[]): Promise<void> {
    const dropped = new Set(revisions)
    await nextTurn()
    this.rows = this.rows.filter((row) => !dropped.has(row.revision))
  }

  async sealedRows(after: number, limit: number): Promise<readonly LogRow[]> {
    return this.rows.filter((row) => row.revision > after && row.sealedBy !== '').slice(0, limit)
  }

  async reseal(rows: readonly SealedBytes[]): Promise<void> {
    const resealed = new Map(rows.map((row) => [row.revision, row]))
    this.rows = this.rows.map((row) => ({ ...row, ...resealed.get(row.revision) }))
  }

  /** The newest row of each key at or below `revision`, without deleted ones. */
  private newest(wanted: (row: LogRow) => boolean, revision: number): LogRow[] {
    const newest = new Map<string, LogRow>()
    for (const row of this.rows) if (row.revision <= revision && wanted(row)) newest.set(printKey(row.key), row)
    return [...newest.values()].filter((row) => row.type !== 'DELETED')
  }
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))
