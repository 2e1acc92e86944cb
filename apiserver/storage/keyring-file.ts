import { createSecretKey, randomBytes } from 'node:crypto'
import { open, readFile, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { SealingKey } from './keyring.js'

/** The key file: `{"keys":[{"id":"1a2b3c4d","key":"base64 of 32 bytes"}]}`; the first key seals, all of them open. */
interface KeyFile {
  readonly keys: readonly { readonly id: string; readonly key: string }[]
}

/** The keys of a file, primary first. Rejects with a sentence when the file is missing, readable by others, or not a key file. */
export async function readSealingKeys(path: string): Promise<[SealingKey, ...SealingKey[]]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    throw new Error(`${path} is missing: sealed objects cannot be opened without it. Put the file back`)
  })
  const mode = (await stat(path)).mode & 0o777
  if ((mode & 0o077) !== 0) throw new Error(`${path} can be read by others (mode ${mode.toString(8)}): run "chmod 600 ${path}", and rekey`)
  const [primary, ...older] = parseKeys(text, path)
  if (!primary) throw new Error(`${path} holds no key: put the right file back`)
  return [primary, ...older]
}

/** Writes the file whole or not at all, for its owner alone; it is on the disk when the promise resolves. */
export async function writeSealingKeys(path: string, keys: readonly SealingKey[]): Promise<void> {
  const file: KeyFile = { keys: keys.map(({ id, key }) => ({ id, key: key.export().toString('base64') })) }
  const temporary = `${path}.${randomBytes(4).toString('hex')}`
  await writeSynced(temporary, JSON.stringify(file))
  await rename(temporary, path)
  const directory = await open(dirname(path))
  await directory.sync().finally(() => directory.close())
}

function parseKeys(text: string, path: string): SealingKey[] {
  try {
    const file: KeyFile = JSON.parse(text)
    return file.keys.map(({ id, key }) => {
      const bytes = Buffer.from(key, 'base64')
      if (bytes.length !== 32) throw new Error('a key does not have 32 bytes')
      return { id, key: createSecretKey(bytes) }
    })
  } catch {
    throw new Error(`${path} is not a key file: put the right file back`)
  }
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}
