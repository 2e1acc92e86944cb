import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import { carryBytes } from './carry-bytes.js'
import { RelayDuplex } from './relay-duplex.js'
import { assertWhole, breakOff } from './tcp-end.js'

/** What may wait for a reader in each direction: enough that neither end waits for the other's turn of a busy machine. */
const heldBytes = 512 * 1024

/**
 * Passes bytes both ways at the reader's pace. Each half ends when the other side's
 * does; a side that breaks breaks the other off. Never rejects.
 */
export async function joinBoth(near: Duplex, far: Duplex): Promise<void> {
  const breakBoth = (error: unknown) => {
    for (const side of [near, far]) if (!side.destroyed) breakOff(side, error instanceof Error ? error : new Error(String(error)))
  }
  await Promise.all([passOn(near, far).catch(breakBoth), passOn(far, near).catch(breakBoth)])
}

/** Rejects when either breaks. */
async function passOn(from: Duplex, to: Duplex): Promise<void> {
  const sendRest = carryBetweenSockets(from, to) ?? carryChunks(from, to)
  from.resume()
  const wholeRead = finished(from, { writable: false }).then(async () => {
    await assertWhole(from)
    sendRest()
    to.end()
  })
  await Promise.all([wholeRead, finished(to, { readable: false })])
}

/** Undefined, and nothing was done, when one of them is more than a socket. */
function carryBetweenSockets(from: Duplex, to: Duplex): (() => void) | undefined {
  const [source, sink] = [carrierOf(from), carrierOf(to)]
  // What has been written to the outer one goes first.
  if (!source || !sink || to.writableLength > 0) return undefined
  // What has come already: the outer one hears what is read of the inner one.
  if (from !== source) source.read()
  if (from.readableLength > 0) to.write(from.read())
  return carryBytes(source, sink)
}

const carrierOf = (stream: Duplex) => (stream instanceof Socket ? stream : stream instanceof RelayDuplex ? stream.carrier : undefined)

function carryChunks(from: Duplex, to: Duplex): () => void {
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
  return () => {}
}
