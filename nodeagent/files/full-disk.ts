/** What to do about a disk of the node that is full. */
export const makeRoom = 'remove machines, snapshots or images, or give it a larger disk; it goes on by itself'

/** What is said where nothing but the fault is known. */
export const diskIsFull = `the disk of the node is full: ${makeRoom}`

/** Whether something failed because a disk is full. */
export function isFull(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ((cause as NodeJS.ErrnoException).code === 'ENOSPC' || /no space left on device/i.test(cause.message)) return true
  return false
}
