import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readlink } from 'node:fs/promises'
import path from 'node:path'
import { StepError } from '../../steps/step-error.js'

/**
 * The real path of `inner` inside the directory `root`, each part opened from the one before it without following
 * links, as openat does: whoever may write in `root` cannot lead us out of it. Missing directories are made.
 * Throws a StepError for a link, or a part that is no directory.
 */
export async function resolveInside(root: string, inner: string): Promise<string> {
  const parts = inner.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..') || inner.includes('\0')) throw outside(inner)
  let here = await open(root, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    for (const [index, part] of parts.entries()) {
      const next = await enter(here, part, index === parts.length - 1, inner)
      await here.close()
      here = next
    }
    const real = await readlink(descriptorPath(here))
    const top = await realRoot(root)
    if (real !== top && !real.startsWith(`${top}/`)) throw outside(inner)
    return real
  } finally {
    await here.close()
  }
}

/** The last part may be a file that is there; all others are directories. */
async function enter(from: FileHandle, part: string, isLast: boolean, inner: string): Promise<FileHandle> {
  const target = path.join(descriptorPath(from), part)
  const directory = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_DIRECTORY
  try {
    return await open(target, directory)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') {
      await mkdir(target, { mode: 0o755 }).catch(ignoreExisting)
      return open(target, directory)
    }
    // ENOTDIR: a file, or a link; O_NOFOLLOW tells them apart. O_NONBLOCK: a pipe must not hold us.
    if (code === 'ENOTDIR' && isLast)
      return open(target, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((cause) => {
        throw outside(inner, cause)
      })
    throw outside(inner, error)
  }
}

const descriptorPath = (handle: FileHandle) => `/proc/self/fd/${handle.fd}`

async function realRoot(root: string): Promise<string> {
  const handle = await open(root, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    return await readlink(descriptorPath(handle))
  } finally {
    await handle.close()
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}

function outside(inner: string, cause?: unknown): StepError {
  return new StepError(
    'VolumeFailed',
    `the path "${inner}" does not stay inside its volume: a part of it is a link or no directory`,
    true,
    { cause },
  )
}
