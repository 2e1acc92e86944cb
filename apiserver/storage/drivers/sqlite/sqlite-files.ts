import { chmod } from 'node:fs/promises'
import { type Connection, openConnection } from './connection.js'
import { migrate } from './migrations.js'
import type { SqliteModules } from './sqlite-modules.js'

/** The connections to one database: a writer that serves nobody else, and read-only ones beside it. */
export interface SqliteFiles {
  readonly writer: Connection
  /** One of the readers, each in turn. */
  reader(): Connection
  close(): Promise<void>
}

/** The builds of SQLite that the tests ran on: by default the one that sqlite3 6.0.1 brings. */
const testedSources = ['2026-03-06 16:01:44 557aeb43869d3585137b17690cb3b64f7de6921774daae9e56403c3717dceab6']

const readers = 2

/** Creates the database when it is not there, brings its schema up to date, and makes sure that a commit means a synced disk. */
export async function openSqliteFiles(modules: SqliteModules, file: string): Promise<SqliteFiles> {
  const connections: Connection[] = []
  const open = async (mode: 'write' | 'read') => {
    const connection = await openConnection(modules, file, mode)
    connections.push(connection)
    return connection
  }
  const close = async () => {
    for (const connection of connections.reverse()) await connection.close()
  }
  try {
    const writer = await open('write')
    await assertTestedSqlite(writer)
    await configureWriter(writer)
    await chmod(file, 0o600)
    await migrate(modules, writer)
    const pool: Connection[] = []
    for (let n = 0; n < readers; n++) pool.push(await open('read'))
    let turn = 0
    return { writer, close, reader: () => pool[turn++ % readers] ?? writer }
  } catch (error) {
    await close()
    throw error
  }
}

async function assertTestedSqlite(connection: Connection): Promise<void> {
  const [found] = await connection.all<{ version: string; source: string }>(
    'SELECT sqlite_version() AS version, sqlite_source_id() AS source',
  )
  if (!found || !testedSources.includes(found.source))
    throw new Error(
      `SQLite ${found?.version} (${found?.source}) is not the build that Millrace was tested with: run "npm ci" to install sqlite3 6.0.1`,
    )
}

/** The page size is first: it is fixed when the file is made. One page holds several objects. */
async function configureWriter(writer: Connection): Promise<void> {
  await writer.run('PRAGMA page_size = 16384')
  await writer.all('PRAGMA journal_mode = WAL')
  await writer.run('PRAGMA synchronous = FULL')
  await writer.all('PRAGMA wal_autocheckpoint = 256')
  await writer.all(`PRAGMA journal_size_limit = ${64 * 1024 * 1024}`)
  const [synchronous] = await writer.all<{ synchronous: number }>('PRAGMA synchronous')
  const [journal] = await writer.all<{ journal_mode: string }>('PRAGMA journal_mode')
  if (synchronous?.synchronous !== 2 || journal?.journal_mode !== 'wal')
    throw new Error(`SQLite does not sync as asked: synchronous=${synchronous?.synchronous}, journal_mode=${journal?.journal_mode}`)
}

/**
 * Copies the whole write-ahead log into the database and syncs that. After a failed sync the kernel may have dropped pages that it calls
 * clean; what was copied again and synced is on the disk, whatever became of the log.
 */
export async function checkpointWhole(writer: Connection): Promise<void> {
  const [result] = await writer.all<{ busy: number }>('PRAGMA wal_checkpoint(TRUNCATE)')
  if (result?.busy !== 0) throw new Error('the write-ahead log could not be copied into the database: a reader holds it')
}
