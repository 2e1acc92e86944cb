/**
 * The log in one SQLite file. One process has it open (directory-lock.ts), one connection writes, and one batch is one statement, which is
 * its own transaction: so there is no BEGIN, nothing to roll back, and nobody to wait for.
 */
import { dirname } from 'node:path'
import type { ObjectKey } from '../../../../lib/api/object-key.js'
import {
  type CommitTurn,
  type LogDriver,
  type LogLink,
  type LogMarks,
  type LogPosition,
  type LogRange,
  type LogRow,
  type LogStep,
  logFaultOf,
  type ObjectRow,
  type SealedBytes,
  type SnapshotQuery,
} from '../../log-driver.js'
import { compareText } from '../../object-set.js'
import { type DirectoryLock, lockDirectory } from './directory-lock.js'
import {
  type LinkRecord,
  linkOf,
  logRowOf,
  type MarksRecord,
  marksOf,
  type ObjectRecord,
  objectRowOf,
  packBytes,
  packRows,
  type RowRecord,
  resourceColumn,
  type StepRecord,
  stepOf,
} from './row-codec.js'
import { checkpointWhole, openSqliteFiles, type SqliteFiles } from './sqlite-files.js'
import { loadSqliteModules } from './sqlite-modules.js'
import * as statements from './statements.js'

const loadPageRows = 2000

export class SqliteDriver implements LogDriver {
  private lock: DirectoryLock | undefined
  private opened: Promise<SqliteFiles> = Promise.reject(new Error('the log is not open'))

  /** `file`: the database; its directory exists and is locked while it is open. */
  constructor(private readonly file: string) {
    this.opened.catch(() => {})
  }

  async open(): Promise<LogPosition> {
    const modules = await loadSqliteModules()
    this.lock = await lockDirectory(modules, dirname(this.file))
    this.opened = openSqliteFiles(modules, this.file)
    try {
      const { writer } = await this.opened
      const [last] = await writer.all<{ revision: number }>(statements.lastRevision)
      const [marks] = await writer.all<MarksRecord>(statements.marks)
      if (!last || !marks) throw new Error(`${this.file} has no marks: it is damaged, restore a backup`)
      return { lastRevision: last.revision, marks: marksOf(marks) }
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async reopen(): Promise<void> {
    const before = this.opened
    this.opened = before.then(
      (files) => files.close().then(() => this.openFiles()),
      () => this.openFiles(),
    )
    this.opened.catch(() => {})
    await this.opened
  }

  async close(): Promise<void> {
    await this.opened.then(
      (files) => files.close(),
      () => {},
    )
    await this.lock?.release()
    this.lock = undefined
  }

  async load(onPage: (rows: readonly ObjectRow[]) => void): Promise<void> {
    const revisions = (await this.read<{ revision: number }>(statements.liveRevisions, [])).map(({ revision }) => revision)
    for (let start = 0; start < revisions.length; start += loadPageRows) {
      const page = JSON.stringify(revisions.slice(start, start + loadPageRows))
      onPage((await this.read<ObjectRecord>(statements.objectsAt, [page])).map(objectRowOf))
    }
  }

  async commit({ after, readBack, decide }: CommitTurn): Promise<void> {
    const { writer } = await this.files()
    const found = readBack ? (await writer.all<RowRecord>(statements.rowsAfter, [after])).map(logRowOf) : []
    const rows = decide(found)
    if (rows.length > 0) await writer.run(statements.append, packRows(rows))
  }

  async probe(): Promise<void> {
    await this.write(statements.probe)
  }

  async steps({ group, resource, after, upTo, limit }: LogRange): Promise<readonly LogStep[]> {
    const records = await this.read<StepRecord>(statements.steps, [resourceColumn({ group, resource }), after, upTo, limit])
    return records.map(stepOf)
  }

  async snapshot(query: SnapshotQuery): Promise<readonly ObjectRow[]> {
    const { namespace, revision, after, limit } = query
    const resource = resourceColumn(query)
    if (namespace === undefined) {
      const bind = [resource, after?.namespace ?? '', after?.name ?? '', revision, limit]
      return (await this.read<ObjectRecord>(statements.snapshot, bind)).map(objectRowOf)
    }
    if (after && compareText(after.namespace, namespace) > 0) return []
    const bind = [resource, namespace, after?.namespace === namespace ? after.name : '', revision, limit]
    return (await this.read<ObjectRecord>(statements.snapshotOfNamespace, bind)).map(objectRowOf)
  }

  async rowsOf(key: ObjectKey): Promise<readonly LogRow[]> {
    return (await this.read<RowRecord>(statements.rowsOfKey, [resourceColumn(key), key.namespace, key.name])).map(logRowOf)
  }

  async mark({ compactRevision, compactedTo, agedTo }: LogMarks): Promise<void> {
    await this.write(statements.mark, [compactRevision, compactedTo, agedTo])
  }

  async links({ after, upTo, limit }: { after: number; upTo: number; limit: number }): Promise<readonly LogLink[]> {
    return (await this.read<LinkRecord>(statements.links, [after, upTo, limit])).map(linkOf)
  }

  async excess({ keys, keep, upTo }: { keys: readonly ObjectKey[]; keep: number; upTo: number }): Promise<readonly number[]> {
    const wanted = JSON.stringify(keys.map((key) => [resourceColumn(key), key.namespace, key.name]))
    return (await this.read<{ revision: number }>(statements.excess, [wanted, keep, upTo])).map(({ revision }) => revision)
  }

  async drop(revisions: readonly number[]): Promise<void> {
    await this.write(statements.drop, [JSON.stringify(revisions)])
  }

  async sealedRows(after: number, limit: number): Promise<readonly ObjectRow[]> {
    return (await this.read<ObjectRecord>(statements.sealedRows, [after, limit])).map(objectRowOf)
  }

  async reseal(rows: readonly SealedBytes[]): Promise<void> {
    await this.write(statements.reseal, packBytes(rows))
  }

  private async openFiles(): Promise<SqliteFiles> {
    const files = await openSqliteFiles(await loadSqliteModules(), this.file)
    try {
      await checkpointWhole(files.writer)
      return files
    } catch (error) {
      await files.close()
      throw error
    }
  }

  private async files(): Promise<SqliteFiles> {
    try {
      return await this.opened
    } catch (error) {
      throw logFaultOf(error)
    }
  }
  private async write(sql: string, bind: readonly unknown[] = []): Promise<void> {
    await (await this.files()).writer.run(sql, bind)
  }
  private async read<Row>(sql: string, bind: readonly unknown[]): Promise<Row[]> {
    return (await this.files()).reader().all<Row>(sql, bind)
  }
}
