import { dataFilesOf, exists } from '../data-directory.js'
import { SqliteDriver } from '../drivers/sqlite/sqlite-driver.js'
import { createSealingKey, Keyring } from '../keyring.js'
import { readSealingKeys, writeSealingKeys } from '../keyring-file.js'
import type { LogDriver } from '../log-driver.js'
import { rowIdentity } from '../log-row.js'

export interface RekeyReport {
  /** The id of the new key. */
  readonly keyId: string
  readonly rows: number
}

/**
 * Gives a stopped API server's store a new sealing key and seals every sealed row with it, in place. The key file holds both keys until all
 * rows have the new one (`reopen` empties the write-ahead log), so that a kill at any moment loses nothing; running it again finishes the
 * work. Backups made before still need the old key file.
 */
export async function rekeyStore({ directory }: { directory: string }): Promise<RekeyReport> {
  const { database, keys } = dataFilesOf(directory)
  if (!(await exists(database))) throw new Error(`there is no database at ${database}: name the API server's directory`)
  const driver = new SqliteDriver(database)
  await driver.open()
  try {
    const older = await readSealingKeys(keys)
    const primary = createSealingKey()
    await writeSealingKeys(keys, [primary, ...older])
    const rows = await resealLog(driver, new Keyring([primary, ...older]))
    await driver.reopen()
    await writeSealingKeys(keys, [primary])
    return { keyId: primary.id, rows }
  } finally {
    await driver.close()
  }
}

const pageRows = 200

/** Seals every row that another key sealed with the keyring's primary one. Returns how many there were. */
export async function resealLog(driver: LogDriver, keyring: Keyring): Promise<number> {
  let resealed = 0
  for (let after = 0; ; ) {
    const rows = await driver.sealedRows(after, pageRows)
    const old = rows.filter((row) => row.sealedBy !== keyring.primary.id)
    await driver.reseal(
      old.map((row) => {
        const identity = rowIdentity(row)
        return { revision: row.revision, ...keyring.seal(keyring.open(row.bytes, identity, row.sealedBy), identity) }
      }),
    )
    resealed += old.length
    after = rows.at(-1)?.revision ?? after
    if (rows.length < pageRows) return resealed
  }
}
