import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createSealingKey, Keyring } from './keyring.js'
import { readSealingKeys, writeSealingKeys } from './keyring-file.js'

/** The store's files in the API server's directory. */
export interface DataFiles {
  readonly database: string
  readonly keys: string
}

export function dataFilesOf(directory: string): DataFiles {
  return { database: join(directory, 'millrace.db'), keys: join(directory, 'secrets.key') }
}

/** Makes the directory for its owner alone where it is missing, and opens the keys: new ones only where there is no database yet. */
export async function prepareDirectory(directory: string): Promise<DataFiles & { keyring: Keyring }> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const files = dataFilesOf(directory)
  const isNew = !(await exists(files.database)) && !(await exists(files.keys))
  if (isNew) await writeSealingKeys(files.keys, [createSealingKey()])
  return { ...files, keyring: new Keyring(await readSealingKeys(files.keys)) }
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
