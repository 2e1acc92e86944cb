/**
 * SPDY/3.1 as kubectl speaks it (port-forward in all versions, exec up to 1.29), the server's side. The one rule: the
 * protocol's flow control is not used, since kubectl does not know it; a stream that nobody reads holds up the
 * connection instead, and a connection that nobody reads its writers.
 *
 *     new SpdyConnection(duplexOverSocket(socket, head), (stream) => stream.headers.streamtype …)
 */
import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import { writeChunk } from '../write-chunk.js'
import { controlFrame, dataFrame, type FrameHead, frameTypes, headBytes, parseHead, resetCodes, words } from './frames.js'
import { HeaderReader, HeaderWriter } from './header-block.js'
import { SpdyStream } from './spdy-stream.js'

/** More streams at once are refused. */
const maxStreams = 1024
/** Writes now and then show a peer that is gone, even while nothing is read from it. */
const probeMs = 15_000
/** Of one frame, so that streams take turns. */
const maxDataBytes = 32 * 1024

/** Emits `close` once, when the connection is gone. */
export class SpdyConnection extends EventEmitter<{ close: [] }> {
  readonly #transport: Duplex
  readonly #onStream: (stream: SpdyStream) => void
  readonly #streams = new Map<number, SpdyStream>()
  readonly #headers = new HeaderReader()
  readonly #replies = new HeaderWriter()
  readonly #probes: NodeJS.Timeout
  #lastStreamId = 0
  #pings = 0

  constructor(transport: Duplex, onStream: (stream: SpdyStream) => void) {
    super()
    this.#transport = transport
    this.#onStream = onStream
    transport.on('error', () => {}) // `close` follows
    transport.once('close', () => this.#closed())
    this.#probes = setInterval(() => {
      this.#pings += 2
      transport.write(controlFrame(frameTypes.ping, words(this.#pings)))
    }, probeMs).unref()
    void this.#serve()
  }

  get isClosed(): boolean {
    return this.#transport.destroyed
  }

  /** After what has been written: nothing more follows. */
  end(): void {
    if (!this.#transport.destroyed) this.#transport.end(controlFrame(frameTypes.goAway, words(this.#lastStreamId, 0)))
  }

  destroy(): void {
    this.#transport.destroy()
  }

  async #serve(): Promise<void> {
    let held: Buffer = Buffer.alloc(0)
    let frame: FrameHead | undefined
    let left = 0
    try {
      for await (const chunk of this.#transport as AsyncIterable<Buffer>) {
        held = held.length > 0 ? Buffer.concat([held, chunk]) : chunk
        for (;;) {
          if (!frame) {
            if (held.length < headBytes) break
            frame = parseHead(held)
            left = frame.length
            held = held.subarray(headBytes)
          }
          if (frame.type === 'data') {
            const piece = held.subarray(0, left)
            if (piece.length === 0 && left > 0) break
            left -= piece.length
            held = held.subarray(piece.length)
            const stream = this.#streams.get(frame.streamId)
            if (piece.length > 0) await stream?.receive(piece)
            if (left > 0) continue
            if (frame.fin) stream?.receiveEnd()
          } else {
            if (held.length < left) break
            await this.#control(frame.type, frame.fin, held.subarray(0, left))
            held = held.subarray(left)
          }
          frame = undefined
        }
      }
    } catch {
      // What is no SPDY ends the connection, as a connection that breaks does.
    }
    this.destroy()
  }

  async #control(type: number, fin: boolean, payload: Buffer): Promise<void> {
    switch (type) {
      case frameTypes.synStream:
        return this.#open(payload.readUInt32BE(0) & 0x7fffffff, await this.#headers.read(payload.subarray(10)), fin)
      case frameTypes.rstStream:
        return this.#streams.get(payload.readUInt32BE(0) & 0x7fffffff)?.receiveReset()
      case frameTypes.ping:
        // Even numbers are ours, and come back.
        if (payload.readUInt32BE(0) % 2 === 1) await writeChunk(this.#transport, controlFrame(frameTypes.ping, payload))
        return
      case frameTypes.headers:
        // Nobody sends any; they count for the deflate stream all the same.
        await this.#headers.read(payload.subarray(4))
        return
      default:
        // GOAWAY, SETTINGS and WINDOW_UPDATE change nothing here.
        return
    }
  }

  async #open(id: number, headers: Record<string, string>, fin: boolean): Promise<void> {
    if (id <= this.#lastStreamId || id % 2 === 0) throw new Error(`the stream number ${id} is not the client's to give`)
    this.#lastStreamId = id
    if (this.#streams.size >= maxStreams) {
      await writeChunk(this.#transport, controlFrame(frameTypes.rstStream, words(id, resetCodes.refusedStream)))
      return
    }
    const stream = new SpdyStream(id, headers, {
      sendData: (streamId, bytes, last, done) => this.#sendData(streamId, bytes, last, done),
      sendReset: (streamId) => this.#transport.write(controlFrame(frameTypes.rstStream, words(streamId, resetCodes.cancel))),
      forget: (streamId) => this.#streams.delete(streamId),
    })
    this.#streams.set(id, stream)
    await writeChunk(this.#transport, controlFrame(frameTypes.synReply, Buffer.concat([words(id), this.#replies.write({})])))
    if (fin) stream.receiveEnd()
    this.#onStream(stream)
  }

  #sendData(id: number, bytes: Buffer, fin: boolean, done: (error?: Error | null) => void): void {
    const piece = bytes.subarray(0, maxDataBytes)
    const rest = bytes.subarray(piece.length)
    this.#transport.write(dataFrame(id, piece, fin && rest.length === 0), (error) => {
      if (error || rest.length === 0) done(error)
      else this.#sendData(id, rest, fin, done)
    })
  }

  #closed(): void {
    clearInterval(this.#probes)
    this.#headers.close()
    for (const stream of this.#streams.values()) stream.destroy(new Error('the connection was cut'))
    this.emit('close')
  }
}
