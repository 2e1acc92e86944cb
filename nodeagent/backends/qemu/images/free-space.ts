import { statfs } from 'node:fs/promises'
import { printBytes } from '../../../../lib/api/quantity.js'
import { BackendError } from '../../backend.js'

/** What stays free for others. */
const reserveBytes = 64 * 1024 * 1024

/** Rejects with BackendError, in words, when a folder's file system has no room for so many bytes more. */
export async function requireSpace(folder: string, bytes: number, what: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  if (bytes + reserveBytes <= free) return
  const needed = `${what} needs ${printBytes(bytes)} on the node, and ${folder} has ${printBytes(free)} left`
  throw new BackendError('CreateFailed', `${needed}; remove machines, snapshots or images, or give it a larger disk`, true)
}

/** The same for what failed on the way. */
export function isFull(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ((cause as NodeJS.ErrnoException).code === 'ENOSPC' || /No space left on device/.test(cause.message)) return true
  return false
}
