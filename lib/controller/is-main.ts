import { realpathSync } from 'node:fs'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

/** Whether a module is the program that was started, and not imported by another: `if (isMain(import.meta)) await run(warmPool)`. */
export function isMain({ url }: { readonly url: string }): boolean {
  const [, started] = process.argv
  if (started === undefined || !url.startsWith('file:')) return false
  try {
    return realpathSync(started) === realpathSync(fileURLToPath(url))
  } catch {
    return false
  }
}
