import { Duplex } from 'node:stream'
import type { ChannelMessage } from './channel-link.js'

/** Longer payloads are sent in pieces, and none is accepted. */
export const maxFrameBytes = 64 * 1024
const headBytes = 5
/** The length that stands for the end of a channel. */
const channelEnd = 0xffffffff

/**
 * Channels over a byte stream, between server and agent: a channel's number, four bytes of length, the
 * payload. The end of the inner stream is the end of the link.
 */
export class FramedChannels extends Duplex {
  readonly #inner: Duplex
  #held = Buffer.alloc(0)

  constructor(inner: Duplex) {
    super({ objectMode: true, highWaterMark: 1, allowHalfOpen: true })
    this.#inner = inner
    this.on('error', () => {}) // who reads or writes learns of it
    inner.on('data', (chunk: Buffer) => {
      if (!this.#parse(chunk)) inner.pause()
    })
    inner.on('end', () => {
      if (this.#held.length > 0) this.destroy(new Error('the stream ended in the middle of a frame'))
      else this.push(null)
    })
    inner.on('error', (error) => this.destroy(error))
    inner.on('close', () => {
      if (!this.readableEnded && !inner.readableEnded) this.destroy(new Error('the stream was cut'))
    })
  }

  override _read(): void {
    this.#inner.resume()
  }

  override _write(message: ChannelMessage, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#send(message, 0, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#inner.end(() => done())
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#inner.destroy(error ?? undefined)
    done(error)
  }

  #send({ channel, bytes }: ChannelMessage, from: number, done: (error?: Error | null) => void): void {
    const piece = bytes?.subarray(from, from + maxFrameBytes)
    const head = Buffer.alloc(headBytes)
    head.writeUInt8(channel)
    head.writeUInt32BE(piece?.length ?? channelEnd, 1)
    const next = from + maxFrameBytes
    this.#inner.write(piece ? Buffer.concat([head, piece]) : head, (error) => {
      if (error || !bytes || next >= bytes.length) done(error)
      else this.#send({ channel, bytes }, next, done)
    })
  }

  /** Whether there is room for more. */
  #parse(chunk: Buffer): boolean {
    let rest = this.#held.length > 0 ? Buffer.concat([this.#held, chunk]) : chunk
    let room = true
    while (rest.length >= headBytes) {
      const channel = rest.readUInt8(0)
      const length = rest.readUInt32BE(1)
      if (length !== channelEnd && length > maxFrameBytes) {
        this.destroy(new Error('a frame is longer than any may be'))
        return false
      }
      const end = length === channelEnd ? headBytes : headBytes + length
      if (rest.length < end) break
      room = this.push({ channel, bytes: length === channelEnd ? undefined : rest.subarray(headBytes, end) }) && room
      rest = rest.subarray(end)
    }
    this.#held = Buffer.from(rest)
    return room
  }
}
