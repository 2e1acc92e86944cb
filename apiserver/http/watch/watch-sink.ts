import type { ServerResponse } from 'node:http'
import type { WebSocket } from 'ws'
import { type EventBatch, type Frame, sseComment } from './event-batch.js'

/** Where a watch's events go. Writing never waits: `unsent` says how far behind the client is. */
export interface WatchSink {
  /** Sends the headers at once: clients wait for them. */
  open(): void
  write(batch: EventBatch): void
  keepAlive(): void
  /** Bytes that were written and have not left. */
  readonly unsent: number
  /** Resolves when little is unsent, or the client is gone. */
  drained(): Promise<void>
  /** Ends the stream after what was written. */
  end(): void
  /** Ends the stream now and forgets what was not sent. */
  destroy(): void
  onClose(callback: () => void): void
}

/** A chunked HTTP/1.1 answer. Chunks are framed once per group and written past the response to its socket. */
export class HttpSink implements WatchSink {
  constructor(
    private readonly response: ServerResponse,
    private readonly dressing: 'json' | 'sse',
  ) {}

  open(): void {
    const contentType = this.dressing === 'sse' ? 'text/event-stream' : 'application/json'
    this.response.writeHead(200, { 'Content-Type': contentType, 'Cache-Control': 'no-cache, private', 'X-Accel-Buffering': 'no' })
    this.response.flushHeaders()
    this.response.socket?.setNoDelay(true)
  }

  write(batch: EventBatch): void {
    this.#send(this.dressing === 'sse' ? batch.sse() : batch.json())
  }

  keepAlive(): void {
    if (this.dressing === 'sse') this.#send(sseComment)
  }

  get unsent(): number {
    return this.response.socket?.writableLength ?? this.response.writableLength
  }

  drained(): Promise<void> {
    const { socket } = this.response
    if (!socket || socket.destroyed || socket.writableLength <= socket.writableHighWaterMark) return Promise.resolve()
    return new Promise((resolve) => {
      const done = () => {
        socket.off('drain', done)
        socket.off('close', done)
        resolve()
      }
      socket.on('drain', done)
      socket.on('close', done)
    })
  }

  end(): void {
    this.response.end()
  }

  destroy(): void {
    this.response.destroy()
  }

  /** Whoever left before the stream began is gone already. */
  onClose(callback: () => void): void {
    if (this.response.destroyed) callback()
    else this.response.once('close', callback)
  }

  #send(frame: Frame): void {
    const { response } = this
    if (response.writableEnded || response.destroyed) return
    // A response that waits behind another one on its connection has no socket yet, and HTTP/1.0 has no chunks.
    if (response.socket && response.chunkedEncoding) response.socket.write(frame.chunk)
    else response.write(frame.chunk.subarray(frame.bodyStart, frame.bodyEnd))
  }
}

/** Text messages over a WebSocket: each is one event as JSON. */
export class WebSocketSink implements WatchSink {
  constructor(private readonly socket: WebSocket) {}

  open(): void {}

  write(batch: EventBatch): void {
    for (const message of batch.messages()) this.socket.send(message, { binary: false })
  }

  keepAlive(): void {
    this.socket.ping()
  }

  get unsent(): number {
    return this.socket.bufferedAmount
  }

  /** `ws` has no drain event; its own buffer is looked at until it is small. */
  async drained(): Promise<void> {
    while (this.socket.bufferedAmount > 64 * 1024 && this.socket.readyState === this.socket.OPEN)
      await new Promise((resolve) => setTimeout(resolve, 10))
  }

  end(): void {
    this.socket.close(1000)
  }

  destroy(): void {
    this.socket.terminate()
  }

  onClose(callback: () => void): void {
    this.socket.once('close', callback)
  }
}
