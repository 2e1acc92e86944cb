import { dataFilesOf, exists } from '../data-directory.js'
import { Keyring } from '../keyring.js'
import { readSealingKeys } from '../keyring-file.js'
import { checkLog, type LogCheck, rebuildView } from './check-log.js'
import { withDatabase, withLockedDirectory } from './data-directory-access.js'

export interface VerifyReport extends LogCheck {
  /** Whether the view was rebuilt from the log. */
  readonly repaired: boolean
}

/**
 * Checks the store in a stopped API server's directory: the file, the view against the log, the chain of revisions, that sealed rows open.
 * With `repair`, a view that differs is dropped and rebuilt from the log; nothing else is ever changed.
 */
export async function verifyStore({ directory, repair = false }: { directory: string; repair?: boolean }): Promise<VerifyReport> {
  const { database, keys } = dataFilesOf(directory)
  if (!(await exists(database))) throw new Error(`there is no database at ${database}: name the API server's directory`)
  const keyring = new Keyring(await readSealingKeys(keys))
  return withLockedDirectory(directory, (modules) =>
    withDatabase(modules, database, async ({ writer }) => {
      const check = await checkLog(writer, keyring)
      const repaired = repair && check.viewDiffers
      if (repaired) await writer.inTransaction(rebuildView)
      return { ...check, repaired }
    }),
  )
}
