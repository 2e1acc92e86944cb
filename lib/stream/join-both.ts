import type { Duplex, Readable, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'

/** What may wait for a reader in each direction: enough that neither end waits for the other's turn of a busy machine. */
const heldBytes = 512 * 1024

/** Passes bytes both ways at the reader's pace. Each half ends when the other side's does; a side that breaks breaks the other. Never rejects. */
export async function joinBoth(near: Duplex, far: Duplex): Promise<void> {
  const breakBoth = (error: unknown) => {
    for (const side of [near, far]) if (!side.destroyed) side.destroy(error instanceof Error ? error : new Error(String(error)))
  }
  await Promise.all([passOn(near, far).catch(breakBoth), passOn(far, near).catch(breakBoth)])
}

/** Rejects when either breaks. */
async function passOn(from: Readable, to: Writable): Promise<void> {
  let isGathering = false
  const send = () => {
    isGathering = false
    to.uncork()
  }
  from.on('data', (chunk: Buffer) => {
    // What one turn of the loop reads goes out in one piece: TLS gives its records one by one.
    if (!isGathering) {
      isGathering = true
      to.cork()
      setImmediate(send)
    }
    if (!to.write(chunk) && to.writableLength >= heldBytes) from.pause()
  })
  to.on('drain', () => from.resume())
  from.resume()
  const wholeRead = finished(from, { writable: false }).then(() => void to.end())
  await Promise.all([wholeRead, finished(to, { readable: false })])
}
