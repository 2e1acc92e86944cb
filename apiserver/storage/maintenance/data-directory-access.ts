import { lockDirectory } from '../drivers/sqlite/directory-lock.js'
import { openSqliteFiles, type SqliteFiles } from '../drivers/sqlite/sqlite-files.js'
import { loadSqliteModules, type SqliteModules } from '../drivers/sqlite/sqlite-modules.js'

/** Runs `work` while nobody else has the directory. Rejects with a sentence when somebody has. */
export async function withLockedDirectory<T>(directory: string, work: (modules: SqliteModules) => Promise<T>): Promise<T> {
  const modules = await loadSqliteModules()
  const lock = await lockDirectory(modules, directory)
  try {
    return await work(modules)
  } finally {
    await lock.release()
  }
}

/** Runs `work` on an open database and closes it. The last to close copies the write-ahead log into the database and removes it. */
export async function withDatabase<T>(modules: SqliteModules, file: string, work: (files: SqliteFiles) => Promise<T>): Promise<T> {
  const files = await openSqliteFiles(modules, file)
  try {
    return await work(files)
  } finally {
    await files.close()
  }
}
