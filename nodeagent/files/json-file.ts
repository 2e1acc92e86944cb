import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { makeFolder } from './make-folder.js'
import { writeWhole } from './write-whole.js'

/** The JSON in a file; undefined when there is none. */
export async function readJsonFile<T>(file: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as T
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Replaces the file as a whole, for nobody's eyes but the agent's; its folder is made. */
export async function writeJsonFile(file: string, value: unknown): Promise<void> {
  await makeFolder(path.dirname(file))
  await writeWhole(file, JSON.stringify(value), 0o600)
}
