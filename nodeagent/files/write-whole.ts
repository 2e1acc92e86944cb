import { open, rename } from 'node:fs/promises'
import path from 'node:path'

/** Writes a file so that it is there as a whole or not at all, also after a loss of power. */
export async function writeWhole(file: string, text: string, mode: number): Promise<void> {
  const handle = await open(`${file}.new`, 'w', mode)
  try {
    await handle.writeFile(text)
  } finally {
    await handle.close()
  }
  await putInPlace(`${file}.new`, file)
}

/**
 * Gives a finished file its name, for good: what it holds is on the disk before. Of
 * a folder, what its files hold is the caller's to bring there.
 */
export async function putInPlace(made: string, file: string): Promise<void> {
  await syncPath(made)
  await rename(made, file)
  await syncPath(path.dirname(file))
}

/** Resolves when what was written to a file, by whomever, or a folder's list of names would outlive a loss of power. */
export async function syncPath(file: string): Promise<void> {
  const handle = await open(file, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
