import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, realpathSync, renameSync, rmSync, writeSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type Kubeconfig, KubeconfigError } from './kubeconfig.js'
import { readKubeconfigFile } from './load-kubeconfig.js'

/** Writes a kubeconfig so that a reader sees the old file or the new one, and nobody but its owner sees either (0600). */
export async function writeKubeconfig(path: string, file: Kubeconfig): Promise<void> {
  const { stringify } = await import('yaml')
  replaceFile(path, stringify({ apiVersion: 'v1', kind: 'Config', ...file }, { lineWidth: 0 }))
}

/**
 * Reads, changes and writes a kubeconfig while no other program that keeps kubectl's custom of a `.lock` file does the same. An absent file
 * counts as an empty one.
 */
export async function changeKubeconfig(path: string, change: (file: Kubeconfig) => Kubeconfig): Promise<void> {
  await withLock(path, async () => {
    const before = await readKubeconfigFile(path)
    const after = change(before ?? {})
    // Also a full disk is in nobody's way who changes nothing.
    if (!isDeepStrictEqual(before, after)) await writeKubeconfig(path, after)
  })
}

/** Works while the `.lock` file beside the file is ours. Throws when it is another program's; see isLocked. */
export async function withLock(path: string, work: () => Promise<void>): Promise<void> {
  const lock = `${path}.lock`
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  try {
    closeSync(openSync(lock, 'wx', 0o600))
  } catch (error) {
    if (!isTaken(error)) throw error
    throw new KubeconfigError(`${path} is being changed by another program (${lock} exists; remove it if none is)`, { cause: error })
  }
  try {
    await work()
  } finally {
    rmSync(lock, { force: true })
  }
}

/** Whether the error says that another program changes the file now. */
export function isLocked(error: unknown): boolean {
  return error instanceof KubeconfigError && isTaken(error.cause)
}

const isTaken = (error: unknown) => (error as NodeJS.ErrnoException | undefined)?.code === 'EEXIST'

/** Whole or not at all, for its owner's eyes alone. A link stays a link; the file that it leads to is replaced. */
export function replaceFile(path: string, text: string): void {
  const target = resolveLink(path)
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 })
  const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}`)
  const descriptor = openSync(temporary, 'wx', 0o600)
  try {
    try {
      writeSync(descriptor, text)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(temporary, target)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

function resolveLink(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
