import type { Socket } from 'node:net'
import { readShared } from './read-shared.js'

/** What is written at once. Each direction holds two of them at most: one that fills, and one that goes out. */
const slabBytes = 128 * 1024
/** Less than this is copied once more, so that a slow reader of little holds little. */
const fewBytes = 8 * 1024
/** So many wait for their next use; more come and go with what is carried. */
const maxFree = 64

const free: Buffer[] = []
const take = () => free.pop() ?? Buffer.allocUnsafeSlow(slabBytes)
const giveBack = (slab: Buffer) => void (free.length < maxFree && free.push(slab))

/**
 * Passes what one socket reads to another, without a Buffer for each read: what one turn of the loop reads, or comes while
 * the last is still going out, goes out in one piece. Returns how to send what is left, when the source has ended;
 * undefined, and nothing was done, where sockets cannot be read so.
 */
export function carryBytes(source: Socket, sink: Socket): (() => void) | undefined {
  let slab: Buffer | undefined
  let filled = 0
  let isPaused = false
  let isGathering = false

  const send = () => {
    if (!slab || filled === 0) return
    const [sent, bytes] = [slab, slab.subarray(0, filled)]
    slab = undefined
    filled = 0
    if (bytes.length > fewBytes) return void sink.write(bytes, () => sentOut(sent))
    sink.write(Buffer.from(bytes), () => sentOut())
    giveBack(sent)
  }
  // Half of a slab stays free: TLS gives what it has decrypted even to one who asked for no more.
  const hasRoom = () => sink.writableLength === 0 || (sink.writableLength <= slabBytes && filled < slabBytes / 2)
  const sentOut = (sent?: Buffer) => {
    if (sent) giveBack(sent)
    if (sink.writableLength === 0) send()
    if (!isPaused || !hasRoom()) return
    isPaused = false
    source.resume()
  }
  const endGathering = () => {
    isGathering = false
    if (sink.writableLength === 0) send()
  }
  const hear = (bytes: Buffer) => {
    for (let at = 0; at < bytes.length; ) {
      slab ??= take()
      const copied = bytes.copy(slab, filled, at)
      at += copied
      filled += copied
      if (filled === slab.length) send()
    }
    if (!isGathering) {
      isGathering = true
      setImmediate(endGathering)
    }
    isPaused = !hasRoom()
    return !isPaused
  }
  return readShared(source, hear) ? send : undefined
}
