import { chmod, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { dataFilesOf, exists } from '../data-directory.js'
import { openConnection } from '../drivers/sqlite/connection.js'
import { loadSqliteModules } from '../drivers/sqlite/sqlite-modules.js'
import * as statements from '../drivers/sqlite/statements.js'

export interface BackupReport {
  readonly file: string
  readonly bytes: number
  /** The newest revision in the backup. */
  readonly revision: number
  /** The ids of the sealing keys that a restore needs. */
  readonly keyIds: readonly string[]
}

/**
 * Writes the store as it is at one moment to a new file, whether the API server runs or not. Sealed rows stay sealed: whoever restores
 * needs the `secrets.key` of that time, which is not in the backup. The file appears when it is whole and synced, or not at all.
 */
export async function backupStore({ directory, file }: { directory: string; file: string }): Promise<BackupReport> {
  const { database } = dataFilesOf(directory)
  if (!(await exists(database))) throw new Error(`there is no database at ${database}: name the API server's directory`)
  if (await exists(file)) throw new Error(`${file} exists: name a new file`)
  const modules = await loadSqliteModules()
  const partial = `${resolve(file)}.partial`
  await rm(partial, { force: true })
  try {
    const source = await openConnection(modules, database, 'read')
    await source.run('VACUUM INTO $1', [partial]).finally(() => source.close())
    await chmod(partial, 0o600)
    const copy = await openConnection(modules, partial, 'read')
    const contents = await describe(copy).finally(() => copy.close())
    await syncFile(partial)
    await rename(partial, file)
    await syncFile(dirname(resolve(file)))
    return { file, bytes: (await stat(file)).size, ...contents }
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  }
}

async function describe(copy: Awaited<ReturnType<typeof openConnection>>): Promise<{ revision: number; keyIds: string[] }> {
  const [last] = await copy.all<{ revision: number }>(statements.lastRevision)
  const keys = await copy.all<{ id: string }>("SELECT DISTINCT sealed_by AS id FROM log WHERE sealed_by <> '' ORDER BY 1")
  return { revision: last?.revision ?? 0, keyIds: keys.map(({ id }) => id) }
}

/** Syncs a file or a directory. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path)
  await handle.sync().finally(() => handle.close())
}
