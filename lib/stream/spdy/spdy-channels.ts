import { Duplex } from 'node:stream'
import { type ChannelLink, type ChannelMessage, channels } from '../channel-link.js'
import type { SpdyConnection } from './spdy-connection.js'
import type { SpdyStream } from './spdy-stream.js'

/** The version of Kubernetes' exec over SPDY that is spoken here: with a Status at the end. */
export const spdyExecProtocol = 'v4.channel.k8s.io'

/** A line of the resize stream is a few dozen bytes. */
const maxLineBytes = 4096

/** Channels over the streams of a SPDY connection, one stream each. */
export class SpdyChannels extends Duplex {
  readonly #connection: SpdyConnection
  readonly #streams: ReadonlyMap<number, SpdyStream>

  constructor(connection: SpdyConnection, streams: ReadonlyMap<number, SpdyStream>) {
    super({ objectMode: true, highWaterMark: 1, allowHalfOpen: true })
    this.#connection = connection
    this.#streams = streams
    this.on('error', () => {}) // who reads or writes learns of it
    connection.once('close', () => {
      if (this.writableFinished) this.push(null)
      else this.destroy(new Error('the connection was cut'))
    })
    this.#listen(channels.stdin, (bytes) => this.push({ channel: channels.stdin, bytes }))
    let line = ''
    this.#listen(channels.resize, (bytes) => {
      const lines = (line + bytes.toString()).split('\n')
      line = (lines.pop() ?? '').slice(0, maxLineBytes)
      return lines.map((size) => this.push({ channel: channels.resize, bytes: Buffer.from(size) })).every(Boolean)
    })
  }

  /** `hear` says whether there is room for more. */
  #listen(channel: number, hear: (bytes: Buffer) => boolean): void {
    const stream = this.#streams.get(channel)
    stream?.on('data', (bytes: Buffer) => {
      if (!hear(bytes)) stream.pause()
    })
    stream?.on('end', () => this.push({ channel, bytes: undefined }))
  }

  override _read(): void {
    for (const channel of [channels.stdin, channels.resize]) this.#streams.get(channel)?.resume()
  }

  override _write({ channel, bytes }: ChannelMessage, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const stream = this.#streams.get(channel)
    if (!stream) done()
    else if (bytes) stream.write(bytes, done)
    else stream.end(done)
  }

  override _final(done: (error?: Error | null) => void): void {
    const open = [...this.#streams.values()].filter((stream) => !stream.writableEnded && !stream.destroyed)
    let left = open.length + 1
    const oneLess = () => {
      if (--left > 0) return
      this.#connection.end()
      done()
    }
    for (const stream of open) stream.end(oneLess)
    oneLess()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#connection.destroy()
    done(error)
  }
}

/** Waits for the streams that the client announced by its request. Rejects when they do not come in time. */
export function collectChannels(
  connect: (onStream: (stream: SpdyStream) => void) => SpdyConnection,
  wanted: readonly (keyof typeof channels)[],
  timeoutMs = 30_000,
): Promise<ChannelLink> {
  return new Promise((resolve, reject) => {
    const streams = new Map<number, SpdyStream>()
    const connection = connect((stream) => {
      const type = wanted.find((name) => name === stream.headers.streamtype)
      if (type === undefined || streams.has(channels[type])) return void stream.destroy()
      streams.set(channels[type], stream)
      if (streams.size < wanted.length) return
      clearTimeout(timer)
      resolve(new SpdyChannels(connection, streams))
    })
    const timer = setTimeout(() => connection.destroy(), timeoutMs)
    connection.once('close', () => {
      clearTimeout(timer)
      reject(new Error('the client did not open the streams that it announced'))
    })
  })
}
