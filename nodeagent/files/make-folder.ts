import { mkdirSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'

/** Makes a folder with those above it, for nobody's eyes but the agent's unless told otherwise; what is there stays. */
export async function makeFolder(folder: string, mode = 0o700): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    // Node tells a full disk so here, and by its right name there.
    mkdirSync(folder, { recursive: true, mode })
  }
}
