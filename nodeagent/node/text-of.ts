import { readFile } from 'node:fs/promises'

/** What a file of the kernel says, without its line end; empty when it says nothing. */
export async function textOf(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch {
    return ''
  }
}
