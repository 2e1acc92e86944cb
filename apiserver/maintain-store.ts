import { join, resolve } from 'node:path'
import { FlagError } from '../lib/base/flags.js'
import { backupStore } from './storage/maintenance/backup.js'
import { rekeyStore } from './storage/maintenance/rekey.js'
import { restoreStore } from './storage/maintenance/restore.js'
import { verifyStore } from './storage/maintenance/verify.js'

/** What `millrace-apiserver` does instead of serving. All but `backup` need the server stopped. */
export const maintenanceUsage = '[verify | repair | backup FILE | restore FILE | rekey]'

export interface MaintenanceResult {
  /** What to print. */
  readonly text: string
  /** 0: all is well; 1: something is wrong with the store. */
  readonly code: 0 | 1
}

/** Runs one maintenance command on the store of a cluster's directory. Rejects with a sentence when it cannot be done. */
export async function maintainStore(dataDirectory: string, operands: readonly string[]): Promise<MaintenanceResult> {
  const directory = join(dataDirectory, 'apiserver')
  const [command, file, ...more] = operands
  const takesFile = command === 'backup' || command === 'restore'
  if (more.length > 0 || (takesFile ? file === undefined : file !== undefined))
    throw new FlagError(`usage: millrace-apiserver --data-dir DIR ${maintenanceUsage}`)
  switch (command) {
    case 'verify':
    case 'repair':
      return await verify(directory, command === 'repair')
    case 'backup': {
      const report = await backupStore({ directory, file: resolve(file ?? '') })
      const keys = report.keyIds.length > 0 ? `; a restore needs the secrets.key with the id ${report.keyIds.join(', ')}` : ''
      return { text: `backed up to ${report.file}: ${report.bytes} bytes, revision ${report.revision}${keys}`, code: 0 }
    }
    case 'restore': {
      const report = await restoreStore({ directory, file: resolve(file ?? ''), now: new Date() })
      const replaced = report.replaced === undefined ? '' : `; the database that was there is kept as ${report.replaced}`
      return { text: `restored ${report.objects} objects; revisions go on at ${report.revision}${replaced}`, code: 0 }
    }
    case 'rekey': {
      const report = await rekeyStore({ directory })
      return {
        text: `sealed ${report.rows} rows with the new key ${report.keyId}; keep the old secrets.key with backups made before`,
        code: 0,
      }
    }
    default:
      throw new FlagError(`unknown command "${command}"; usage: millrace-apiserver --data-dir DIR ${maintenanceUsage}`)
  }
}

async function verify(directory: string, repair: boolean): Promise<MaintenanceResult> {
  const report = await verifyStore({ directory, repair })
  const counted = `${report.objects} objects, ${report.rows} rows of the log, ${report.sealed} sealed`
  if (report.repaired) return { text: `the view was rebuilt from the log: ${counted}`, code: 0 }
  if (report.problems.length === 0) return { text: `the store is consistent: ${counted}`, code: 0 }
  return { text: [`the store is not consistent: ${counted}`, ...report.problems.map((problem) => `- ${problem}`)].join('\n'), code: 1 }
}
