import type { Sequelize } from 'sequelize'
import { LogFault } from '../../log-driver.js'
import type { SqliteModules } from './sqlite-modules.js'

/** One connection to one file. One statement at a time; each statement is its own transaction. */
export interface Connection {
  /** Runs a statement that changes something. */
  run(sql: string, bind?: readonly unknown[]): Promise<void>
  /** Runs statements that are there as a whole or not at all. For schema and repair: appends need none. */
  inTransaction(statements: readonly (string | { sql: string; bind: readonly unknown[] })[]): Promise<void>
  all<Row>(sql: string, bind?: readonly unknown[]): Promise<Row[]>
  close(): Promise<void>
  /** For migrations alone. */
  readonly sequelize: Sequelize
}

/**
 * A Sequelize instance of its own, which holds exactly one SQLite connection as long as nobody uses its transactions. It is asked for
 * nothing but queries with bound values; what it throws is reduced to SQLite's own message, because its errors carry the bound values.
 */
export async function openConnection(modules: SqliteModules, file: string, mode: 'write' | 'read'): Promise<Connection> {
  const { sqlite3 } = modules
  const flags = mode === 'read' ? sqlite3.OPEN_READONLY : sqlite3.OPEN_READWRITE | sqlite3.OPEN_CREATE
  const sequelize = new modules.sequelize.Sequelize({
    dialect: 'sqlite',
    dialectModule: sqlite3,
    storage: file,
    logging: false,
    dialectOptions: { mode: flags | sqlite3.OPEN_FULLMUTEX },
    retry: { max: 1 },
  })
  const { SELECT, RAW } = modules.sequelize.QueryTypes
  const run = async (sql: string, bind: readonly unknown[] = []) => {
    await sequelize.query(sql, { type: RAW, raw: true, bind: [...bind] }).catch(rethrow)
  }
  const connection: Connection = {
    sequelize,
    run,
    inTransaction: (statements) => inTransaction(run, statements),
    all: async <Row>(sql: string, bind: readonly unknown[] = []) =>
      (await sequelize.query(sql, { type: SELECT, raw: true, bind: [...bind] }).catch(rethrow)) as Row[],
    close: () => sequelize.close(),
  }
  await run('PRAGMA busy_timeout = 5000')
  return connection
}

async function inTransaction(run: Connection['run'], statements: Parameters<Connection['inTransaction']>[0]): Promise<void> {
  await run('BEGIN IMMEDIATE')
  try {
    for (const statement of statements) await (typeof statement === 'string' ? run(statement) : run(statement.sql, statement.bind))
    await run('COMMIT')
  } catch (error) {
    await run('ROLLBACK').catch(() => {})
    throw error
  }
}

function rethrow(error: unknown): never {
  throw faultOf(error)
}

function faultOf(error: unknown): LogFault {
  const parent = error instanceof Error && 'parent' in error ? error.parent : error
  const message = parent instanceof Error ? parent.message : String(parent)
  const code = parent instanceof Error && 'code' in parent ? parent.code : undefined
  return code === 'SQLITE_FULL'
    ? new LogFault('disk-full', 'the disk of the data directory is full; make room there, and writes go on by themselves')
    : new LogFault('io', message)
}
