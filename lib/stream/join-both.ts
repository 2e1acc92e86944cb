import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** Passes bytes both ways at the reader's pace. Each half ends when the other side's does; a side that breaks breaks the other. Never rejects. */
export async function joinBoth(near: Duplex, far: Duplex): Promise<void> {
  const breakBoth = (error: unknown) => {
    for (const side of [near, far]) if (!side.destroyed) side.destroy(error instanceof Error ? error : new Error(String(error)))
  }
  await Promise.all([pipeline(near, far).catch(breakBoth), pipeline(far, near).catch(breakBoth)])
}
