import { Duplex } from 'node:stream'
import type { RawData, WebSocket } from 'ws'
import type { ChannelMessage } from './channel-link.js'

/** The subprotocols of exec and attach, the best first. With v5 either side can end a channel. */
export const channelProtocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'] as const

/** Longer messages of a client end the session. */
export const maxMessageBytes = 1024 * 1024

/** Longer payloads are sent in pieces. */
const pieceBytes = 128 * 1024

/** A message on this channel names one that ends. */
const endOfChannel = 255
/** Writes now and then show a peer that is gone, even while nothing is read from it. */
const probeMs = 15_000

/**
 * Channels over a WebSocket, either end of it: a message is a channel's number and bytes. The link ends when the WebSocket is closed in
 * order (1000), and is destroyed by every other end.
 */
export class WebSocketChannels extends Duplex {
  readonly #socket: WebSocket
  readonly #probes: NodeJS.Timeout

  constructor(socket: WebSocket) {
    super({ objectMode: true, highWaterMark: 1, allowHalfOpen: true })
    this.#socket = socket
    this.on('error', () => {}) // who reads or writes learns of it
    socket.binaryType = 'nodebuffer'
    socket.on('message', (data: RawData) => this.#receive(data as Buffer))
    socket.on('error', (error) => this.destroy(error))
    socket.on('close', (code: number, reason: Buffer) => {
      if (code === 1000) this.push(null)
      else this.destroy(new Error(`the connection was closed with code ${code}${reason.length > 0 ? `: ${reason}` : ''}`))
    })
    this.#probes = setInterval(() => socket.readyState === socket.OPEN && socket.ping(), probeMs).unref()
    socket.once('close', () => clearInterval(this.#probes))
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write({ channel, bytes }: ChannelMessage, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (bytes) this.#send(channel, bytes, done)
    else if (this.#socket.protocol === channelProtocols[0]) this.#socket.send(Buffer.of(endOfChannel, channel), done)
    else done()
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.close(1000)
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearInterval(this.#probes)
    this.#socket.terminate()
    done(error)
  }

  /** In messages that the other side takes. */
  #send(channel: number, bytes: Buffer, done: (error?: Error | null) => void): void {
    const piece = bytes.subarray(0, pieceBytes)
    const rest = bytes.subarray(piece.length)
    this.#socket.send(Buffer.concat([Buffer.of(channel), piece]), (error) => {
      if (error || rest.length === 0) done(error)
      else this.#send(channel, rest, done)
    })
  }

  #receive(message: Buffer): void {
    const [channel, ended] = message
    if (channel === undefined) return
    const isEnd = channel === endOfChannel
    if (isEnd && ended === undefined) return void this.destroy(new Error('a message ends a channel and does not say which'))
    const room = this.push(isEnd ? { channel: ended, bytes: undefined } : { channel, bytes: message.subarray(1) })
    if (!room) this.#socket.pause()
  }
}
