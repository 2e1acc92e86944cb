import { openStore, type StoreOptions } from './create-store.js'
import { prepareDirectory } from './data-directory.js'
import { SqliteDriver } from './drivers/sqlite/sqlite-driver.js'
import type { Store } from './store.js'

/**
 * The store in a directory: `millrace.db`, `secrets.key` and `lock`. The first call makes them. Rejects with a sentence when another
 * process has the directory, the key file does not fit, or a package is missing.
 */
export async function openSqliteStore(options: Omit<StoreOptions, 'driver' | 'keyring'> & { directory: string }): Promise<Store> {
  const { directory, ...rest } = options
  const { database, keyring } = await prepareDirectory(directory)
  return openStore({ ...rest, keyring, driver: new SqliteDriver(database) })
}
