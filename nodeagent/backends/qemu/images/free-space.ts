import { statfs } from 'node:fs/promises'
import { printBytes } from '../../../../lib/api/quantity.js'
import { makeRoom } from '../../../files/full-disk.js'
import { BackendError } from '../../backend.js'

/** A file system, in bytes. */
export interface DiskSpace {
  readonly freeBytes: number
  readonly totalBytes: number
}

export type ReadSpace = (folder: string) => Promise<DiskSpace>

/** What stays free for others. */
const reserveBytes = 64 * 1024 * 1024

export const readSpace: ReadSpace = async (folder) => {
  const { bavail, blocks, bsize } = await statfs(folder)
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
}

/** For so many bytes more. */
export const hasRoom = ({ freeBytes }: Pick<DiskSpace, 'freeBytes'>, bytes = 0) => bytes + reserveBytes <= freeBytes

/** Rejects with BackendError, in words, when a folder's file system has no room for so many bytes more. */
export async function requireSpace(folder: string, bytes: number, what: string): Promise<void> {
  const { freeBytes } = await readSpace(folder)
  if (!hasRoom({ freeBytes }, bytes))
    throw noSpace(`${what} needs ${printBytes(bytes)} on the node, where ${printBytes(reserveBytes)} stay free`, folder, freeBytes)
}

/** Says that there is no room, and what to do. */
export function noSpace(needed: string, folder: string, freeBytes: number): BackendError {
  const words = `${needed}, and ${folder} has ${printBytes(freeBytes)} left`
  return new BackendError('CreateFailed', `${words}; ${makeRoom}`, true, { cause: new Error('no space left on device') })
}
