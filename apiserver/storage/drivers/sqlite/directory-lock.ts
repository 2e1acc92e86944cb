import { join } from 'node:path'
import type { SqliteModules } from './sqlite-modules.js'

/** Held until released or until the process ends, however it ends. */
export interface DirectoryLock {
  release(): Promise<void>
}

/**
 * Takes the one lock of a data directory: the file `lock`, an empty database in an exclusive transaction. The kernel holds it for the
 * process, so that no kill leaves a stale one. Rejects with a sentence when another process, or another store of this one, has it.
 */
export async function lockDirectory({ sqlite3 }: SqliteModules, directory: string): Promise<DirectoryLock> {
  const file = join(directory, 'lock')
  const database = await new Promise<InstanceType<typeof sqlite3.Database>>((resolve, reject) => {
    const opened = new sqlite3.Database(file, (error) =>
      error ? reject(new Error(`cannot open ${file}: ${error.message}`)) : resolve(opened),
    )
  })
  const release = () => new Promise<void>((resolve) => database.close(() => resolve()))
  database.configure('busyTimeout', 0)
  const refusal = await new Promise<Error | null>((resolve) => database.exec('BEGIN EXCLUSIVE', resolve))
  if (!refusal) return { release }
  await release()
  if ('code' in refusal && refusal.code === 'SQLITE_BUSY')
    throw new Error(`${directory} is in use by another process (it holds ${file}): stop that one first`)
  throw new Error(`cannot lock ${file}: ${refusal.message}`)
}
