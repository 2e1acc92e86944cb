/** One row per durable commit on the same database library: the floor of a lone write. */
import sqlite3 from 'sqlite3'

export interface SingleCommits {
  commit(sequence: number, value: Buffer): Promise<void>
  close(): Promise<void>
}

export async function openSingleCommits(file: string): Promise<SingleCommits> {
  const database = await new Promise<sqlite3.Database>((resolve, reject) => {
    const opened = new sqlite3.Database(file, (error) => (error ? reject(error) : resolve(opened)))
  })
  const run = (sql: string, ...values: unknown[]) =>
    new Promise<void>((resolve, reject) => database.run(sql, values, (error) => (error ? reject(error) : resolve())))
  await run('PRAGMA page_size=16384')
  await run('PRAGMA journal_mode=WAL')
  await run('PRAGMA synchronous=FULL')
  await run('CREATE TABLE rows(id INTEGER PRIMARY KEY, value BLOB)')
  return {
    commit: (_sequence, value) => run('INSERT INTO rows(value) VALUES(?)', value),
    close: () => new Promise((resolve, reject) => database.close((error) => (error ? reject(error) : resolve()))),
  }
}
