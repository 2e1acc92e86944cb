import { mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { ExitError } from '../cli/exit-code.js'

/** Writes the files into a directory that is not there yet, or empty; nothing is ever overwritten. */
export async function writeProject(directory: string, files: ReadonlyMap<string, string>): Promise<void> {
  await mkdir(directory, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EEXIST' || error.code === 'ENOTDIR' ? new ExitError('conflict', `${directory} is a file`) : error
  })
  const there = (await readdir(directory)).sort()
  if (there.length > 0)
    throw new ExitError(
      'conflict',
      `${directory} is not empty (${[...there.slice(0, 3), ...(there.length > 3 ? ['…'] : [])].join(', ')}); name another with --directory`,
    )
  for (const [name, text] of files) await writeFile(path.join(directory, name), text, { flag: 'wx' })
}
