import type { DiskSpace } from './free-space.js'

/** What was fetched, whole or in part. */
export interface CachedImage {
  readonly name: string
  readonly bytes: number
  /** When it was last asked for, or seen in use, or something of it came; milliseconds of the wall clock. */
  readonly lastUsedMs: number
  /** Whether a machine or a snapshot lies over it, or it is being fetched. */
  readonly isUsed: boolean
}

/** As Kubernetes has it: at this share of the disk in use images go, until no more than the lower share is. */
const highShare = 0.85
const lowShare = 0.8
/** What has just been asked for is about to be used. */
const youngMs = 120_000

/** Which images go, oldest first: so many that the disk has `neededBytes` free, and is not nearly full; none that is in use. Pure. */
export function planCollection(
  images: readonly CachedImage[],
  { freeBytes, totalBytes }: DiskSpace,
  neededBytes: number,
  nowMs: number,
): string[] {
  const isFull = freeBytes <= totalBytes * (1 - highShare)
  const wantedBytes = Math.max(neededBytes, isFull ? totalBytes * (1 - lowShare) : 0)
  const unused = images.filter(({ isUsed, lastUsedMs }) => !isUsed && Math.abs(nowMs - lastUsedMs) >= youngMs)
  unused.sort((a, b) => a.lastUsedMs - b.lastUsedMs || (a.name < b.name ? -1 : 1))
  const names: string[] = []
  let free = freeBytes
  for (const { name, bytes } of unused) {
    if (free >= wantedBytes) break
    names.push(name)
    free += bytes
  }
  return names
}
