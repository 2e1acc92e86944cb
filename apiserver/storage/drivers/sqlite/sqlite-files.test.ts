import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failureOf } from '../../testing/store-writes.js'
import { type Connection, openConnection } from './connection.js'
import { lockDirectory } from './directory-lock.js'
import { migrate } from './migrations.js'
import { openSqliteFiles, type SqliteFiles } from './sqlite-files.js'
import { loadSqliteModules, type SqliteModules } from './sqlite-modules.js'
import * as statements from './statements.js'

let directory: string
let modules: SqliteModules

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-sqlite-'))
  modules = await loadSqliteModules()
})
afterEach(() => rm(directory, { recursive: true }))

describe('the connections', () => {
  let files: SqliteFiles
  beforeEach(async () => {
    files = await openSqliteFiles(modules, join(directory, 'millrace.db'))
  })
  afterEach(() => files.close())

  it('sync every commit, write ahead, and hold several objects in a page', async () => {
    const pragma = async (name: string) => Object.values((await files.writer.all<Record<string, unknown>>(`PRAGMA ${name}`))[0] ?? {})[0]
    expect(await pragma('synchronous')).toBe(2)
    expect(await pragma('journal_mode')).toBe('wal')
    expect(await pragma('page_size')).toBe(16384)
    expect((await stat(join(directory, 'millrace.db'))).mode & 0o777).toBe(0o600)
  })

  it('cannot write through a reader', async () => {
    expect((await failureOf(files.reader().run(statements.probe))).message).toContain('readonly')
  })

  it('are made once: opening again changes nothing', async () => {
    const schema = () => files.writer.all('SELECT name, sql FROM sqlite_master ORDER BY name')
    const before = await schema()
    await files.close()
    files = await openSqliteFiles(modules, join(directory, 'millrace.db'))
    expect(await schema()).toEqual(before)
  })

  it('refuse a database that a newer version made', async () => {
    await files.writer.run("INSERT INTO migrations (name) VALUES ('0999-from-the-future')")
    await files.close()
    expect((await failureOf(openSqliteFiles(modules, join(directory, 'millrace.db')))).message).toContain(
      'newer Millrace (it has the migration 0999-from-the-future)',
    )
    files = { ...files, close: async () => {} }
  })

  it('are brought up to date as a whole or not at all, whichever statement fails', async () => {
    for (let failing = 1; ; failing++) {
      const writer = await openConnection(modules, join(directory, `broken-${failing}.db`), 'write')
      const broken = {
        ...writer,
        inTransaction: (whole: Parameters<Connection['inTransaction']>[0]) => writer.inTransaction(breakAt(whole, failing)),
      }
      const failure = await migrate(modules, broken).catch((error: Error) => error)
      const tables = (await writer.all<{ name: string }>("SELECT name FROM sqlite_master WHERE name IN ('log', 'objects', 'marks')")).length
      expect(tables).toBe(failure ? 0 : 3)
      await migrate(modules, writer)
      expect(await writer.all('SELECT name FROM migrations')).toEqual([{ name: '0001-log-and-view' }])
      await writer.close()
      if (!failure) break
      expect(failure.message).toContain('no such table: broken')
    }
  })

  it.each([
    ['snapshot', statements.snapshot, ['', '', '', 9, 9], ['COVERING INDEX log_by_key']],
    [
      'snapshotOfNamespace',
      statements.snapshotOfNamespace,
      ['', '', '', 9, 9],
      ['COVERING INDEX log_by_key (resource=? AND namespace=? AND name>?)'],
    ],
    ['steps', statements.steps, ['', 0, 9, 9], ['SEARCH l USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)']],
    ['links', statements.links, [0, 9, 9], ['SEARCH log USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)']],
    ['rowsOfKey', statements.rowsOfKey, ['', '', ''], ['USING INDEX log_by_key (resource=? AND namespace=? AND name=?)']],
    ['excess', statements.excess, ['[]', 1, 9], ['INDEX log_by_key (resource=? AND namespace=? AND name=? AND revision<?)']],
    ['objectsAt', statements.objectsAt, ['[]'], ['SEARCH l USING INTEGER PRIMARY KEY (rowid=?)']],
    ['sealedRows', statements.sealedRows, [0, 9], ['log_sealed']],
    ['drop', statements.drop, ['[]'], ['SEARCH log USING INTEGER PRIMARY KEY (rowid=?)']],
  ])('read %s by an index', async (_name, sql, bind, expected) => {
    const plan = (await files.writer.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, bind)).map(({ detail }) => detail)
    for (const detail of expected) expect(plan.join('\n')).toContain(detail)
    expect(
      plan.filter((detail) => detail.startsWith('SCAN') && !/^SCAN (j|k|newest|json_each|log USING COVERING INDEX)/.test(detail)),
    ).toEqual([])
  })
})

describe('the packages', () => {
  it('are asked for by a sentence when they are missing', async () => {
    const load = (name: string) => (name === 'sqlite3' ? Promise.reject(new Error("Cannot find package 'sqlite3'\nstack")) : import(name))
    const failure = await failureOf(loadSqliteModules(load))
    expect(failure.message).toBe(
      'storing in SQLite needs the package sqlite3, which does not load: run "npm install sqlite3" (it compiles: make, g++ and python3 are needed). ' +
        "Cannot find package 'sqlite3'",
    )
  })
})

describe('the lock', () => {
  it('is held once within a process, and can be taken again after it was let go', async () => {
    const lock = await lockDirectory(modules, directory)
    expect((await failureOf(lockDirectory(modules, directory))).message).toContain('is in use by another process')
    await lock.release()
    await (await lockDirectory(modules, directory)).release()
  })

  it('keeps another process out until that one is gone, however it goes', async () => {
    const holder = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', holdLock(directory)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(holder.stdout, 'data')
    expect((await failureOf(lockDirectory(modules, directory))).message).toContain('is in use by another process')
    holder.kill('SIGKILL')
    await once(holder, 'exit')
    await (await lockDirectory(modules, directory)).release()
  })
})

/** The same statements with one that fails before the nth. */
function breakAt<T>(statements: readonly T[], n: number): (T | string)[] {
  return statements.length < n
    ? [...statements]
    : [...statements.slice(0, n - 1), 'INSERT INTO broken VALUES (1)', ...statements.slice(n - 1)]
}

function holdLock(path: string): string {
  const here = import.meta.dirname
  return `import { lockDirectory } from ${JSON.stringify(`${here}/directory-lock.ts`)}
    import { loadSqliteModules } from ${JSON.stringify(`${here}/sqlite-modules.ts`)}
    await lockDirectory(await loadSqliteModules(), ${JSON.stringify(path)})
    console.log('held'); setInterval(() => {}, 1000)`
}
