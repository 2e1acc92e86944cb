import { copyFile, link, rename, rm } from 'node:fs/promises'
import { type DataFiles, exists, prepareDirectory } from '../data-directory.js'
import type { SqliteFiles } from '../drivers/sqlite/sqlite-files.js'
import type { SqliteModules } from '../drivers/sqlite/sqlite-modules.js'
import * as statements from '../drivers/sqlite/statements.js'
import type { Keyring } from '../keyring.js'
import { syncFile } from './backup.js'
import { checkLog } from './check-log.js'
import { withDatabase, withLockedDirectory } from './data-directory-access.js'

export interface RestoreReport {
  readonly objects: number
  /** The revision that the restored store starts at: above any that the backup, or what it replaced, gave out. */
  readonly revision: number
  /** Where the database that was replaced is kept; absent when there was none. */
  readonly replaced?: string
}

/** So far beyond the last known revision a restored store goes on: whatever was written after the backup, elsewhere too, is left behind. */
const revisionGap = 1_000_000

/**
 * Replaces the store in a stopped API server's directory by a backup, after checking it whole; the database that was there is kept beside
 * it. Every revision that a client may have seen lies below the restored store's floor, so that watches and lists start anew instead of
 * going on from a past that is gone. A kill at any moment leaves the old store or the new one.
 */
export async function restoreStore(options: { directory: string; file: string; now: Date }): Promise<RestoreReport> {
  const { directory, file, now } = options
  if (!(await exists(file))) throw new Error(`there is no backup at ${file}`)
  const { database, keyring } = await prepareDirectory(directory)
  return withLockedDirectory(directory, async (modules) => {
    const restoring = `${database}.restoring`
    await removeDatabase(restoring)
    try {
      await copyFile(file, restoring)
      const checked = await prepareCopy(modules, restoring, keyring, await lastRevisionOf(modules, database))
      const replaced = await putInPlace(database, restoring, now)
      await syncFile(directory)
      return { ...checked, ...(replaced ? { replaced } : {}) }
    } catch (error) {
      await removeDatabase(restoring)
      throw error
    }
  })
}

/** Checks the copy and raises its floor. */
async function prepareCopy(
  modules: SqliteModules,
  copy: string,
  keyring: Keyring,
  otherRevision: number,
): Promise<{ objects: number; revision: number }> {
  const prepared = await withDatabase(modules, copy, async (files) => {
    const check = await checkLog(files.writer, keyring)
    if (check.problems.length > 0) throw new Error(`the backup is not sound, and nothing was changed: ${check.problems[0]}`)
    const revision = Math.max(await revisionOf(files), otherRevision) + revisionGap
    await files.writer.run('UPDATE marks SET compact_revision = $1', [revision])
    return { objects: check.objects, revision }
  }).catch((error) => {
    if (error instanceof Error && error.message.includes('SQLITE_NOTADB'))
      throw new Error('the backup is not a database: name a file that backup wrote')
    throw error
  })
  await syncFile(copy)
  return prepared
}

/** The old database keeps a name of its own while its place is taken in one step. */
async function putInPlace(database: DataFiles['database'], restored: string, now: Date): Promise<string | undefined> {
  const aside = `${database}.before-restore-${now.toISOString().replaceAll(/[-:.]/g, '')}`
  const hadOne = await exists(database)
  for (const suffix of ['-wal', '-shm']) if (await exists(database + suffix)) await rename(database + suffix, aside + suffix)
  if (hadOne) await link(database, aside)
  await rename(restored, database)
  return hadOne ? aside : undefined
}

/**
 * The newest revision of the database that is to be replaced; 0 when there is none or it cannot be read. Leaves its write-ahead log empty.
 */
async function lastRevisionOf(modules: SqliteModules, database: string): Promise<number> {
  if (!(await exists(database))) return 0
  return withDatabase(modules, database, revisionOf).catch(() => 0)
}

async function revisionOf({ writer }: SqliteFiles): Promise<number> {
  const [last] = await writer.all<{ revision: number }>(statements.lastRevision)
  const [marks] = await writer.all<{ compact_revision: number }>(statements.marks)
  return Math.max(last?.revision ?? 0, marks?.compact_revision ?? 0)
}

async function removeDatabase(path: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm']) await rm(path + suffix, { force: true })
}
