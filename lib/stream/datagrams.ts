/**
 * Datagrams over a stream of bytes, both ways: each is its length in two bytes, big-endian, and then itself. The one rule: what the other
 * side does not take in time is dropped and counted, as a network would, and never held without bound.
 *
 *     const socket = dgram.createSocket('udp4')
 *     const port = new DatagramDuplex({ send: (datagram, done) => socket.send(datagram, done), close: () => socket.close() })
 *     socket.on('message', (datagram) => port.receive(datagram))
 *     await joinBoth(port, stream)
 */
import { Duplex } from 'node:stream'

const headBytes = 2
/** The longest that UDP over IPv4 can carry is 20 and 8 bytes of headers shorter than this. */
export const maxDatagramBytes = 65_535
/** What waits for a reader. */
const maxHeldBytes = 256 * 1024

/** Where datagrams come from and go to. */
export interface DatagramPort {
  /** Calls `done` when the datagram has gone, or could not go: no failure of one ends the rest. */
  send(datagram: Buffer, done: (error?: Error | null) => void): void
  /** Nothing is sent any more. */
  close(): void
}

export interface DatagramCounts {
  /** From the stream to the port. */
  readonly sent: number
  /** From the port to the stream. */
  readonly received: number
  /** In either direction. */
  readonly dropped: number
  /** Of the datagrams themselves. */
  readonly bytesSent: number
  readonly bytesReceived: number
}

export const noDatagrams: DatagramCounts = { sent: 0, received: 0, dropped: 0, bytesSent: 0, bytesReceived: 0 }

type Counting = { -readonly [Count in keyof DatagramCounts]: DatagramCounts[Count] }

/** A port as a stream of framed datagrams. It has no halves: whoever ends it ends both. */
export class DatagramDuplex extends Duplex {
  readonly counts: Counting = { ...noDatagrams }
  readonly #port: DatagramPort
  #held = Buffer.alloc(0)

  constructor(port: DatagramPort) {
    super({ readableHighWaterMark: maxHeldBytes })
    this.#port = port
    this.on('error', () => {}) // who reads or writes learns of it
  }

  /** A datagram has come to the port. */
  receive(datagram: Buffer): void {
    const isTaken = !this.destroyed && !this.readableEnded && this.readableLength + headBytes + datagram.length <= maxHeldBytes
    if (!isTaken || datagram.length > maxDatagramBytes) return void this.counts.dropped++
    this.counts.received++
    this.counts.bytesReceived += datagram.length
    this.push(frameDatagram(datagram))
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const { datagrams, rest } = splitDatagrams(this.#held.length > 0 ? Buffer.concat([this.#held, chunk]) : chunk)
    this.#held = Buffer.from(rest)
    let left = datagrams.length
    if (left === 0) done()
    for (const datagram of datagrams)
      this.#port.send(datagram, (error) => {
        if (error) this.counts.dropped++
        else {
          this.counts.sent++
          this.counts.bytesSent += datagram.length
        }
        if (--left === 0) done()
      })
  }

  override _final(done: (error?: Error | null) => void): void {
    this.push(null)
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#port.close()
    done(error)
  }
}

export function frameDatagram(datagram: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(headBytes + datagram.length)
  frame.writeUInt16BE(datagram.length)
  datagram.copy(frame, headBytes)
  return frame
}

/** The whole datagrams at the beginning, as views of `bytes`, and what is left. Pure. */
export function splitDatagrams(bytes: Buffer): { readonly datagrams: readonly Buffer[]; readonly rest: Buffer } {
  const datagrams: Buffer[] = []
  let at = 0
  while (at + headBytes <= bytes.length) {
    const end = at + headBytes + bytes.readUInt16BE(at)
    if (end > bytes.length) break
    datagrams.push(bytes.subarray(at + headBytes, end))
    at = end
  }
  return { datagrams, rest: bytes.subarray(at) }
}
