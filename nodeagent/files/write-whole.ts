import { open, rename } from 'node:fs/promises'
import path from 'node:path'

/** Writes a file so that it is there as a whole or not at all, also after a loss of power. */
export async function writeWhole(file: string, text: string, mode: number): Promise<void> {
  const handle = await open(`${file}.new`, 'w', mode)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await putInPlace(`${file}.new`, file)
}

/** Gives a finished file its name, for good. */
export async function putInPlace(made: string, file: string): Promise<void> {
  await rename(made, file)
  await syncFolder(path.dirname(file))
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
