import { Socket } from 'node:net'
import { Duplex } from 'node:stream'

export interface RelayOptions {
  /** Bytes that came before those of the inner stream. */
  readonly head?: Buffer
  /** Asked when the inner stream ends: why that is no proper end. */
  readonly whyIncomplete?: () => Error | undefined | Promise<Error | undefined>
  /** What is left to do when the inner stream's writing half has ended. */
  readonly afterEnd?: (done: () => void) => void
  /** Lets go of the inner stream. Default: destroys it. */
  readonly release?: () => void
}

/** What may wait on the way in each direction: enough that neither end waits for the other's turn of a busy machine. */
const heldBytes = 256 * 1024

/**
 * A plain Duplex around another stream. Back-pressure, half-close and errors pass through both ways. An inner stream that closes without
 * having ended is a failure; what it ended with can still be read after it closed.
 */
export class RelayDuplex extends Duplex {
  readonly #inner: Duplex
  readonly #release: () => void
  readonly #afterEnd: (done: () => void) => void
  #ended = false
  #afterWrite: ((error?: Error) => void) | undefined

  constructor(inner: Duplex, options: RelayOptions = {}) {
    super({ allowHalfOpen: true, highWaterMark: heldBytes })
    this.#inner = inner
    this.#release = options.release ?? (() => inner.destroy())
    this.#afterEnd = options.afterEnd ?? ((done) => done())
    // Who reads or writes learns of a failure from that; nobody else's silence may end the process.
    this.on('error', () => {})
    if (options.head?.length) this.push(options.head)
    inner.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) inner.pause()
    })
    inner.on('end', () => this.#end(options.whyIncomplete?.()))
    inner.on('drain', () => this.#wrote())
    inner.on('error', (error) => this.destroy(error))
    inner.on('close', () => this.#closed())
    if (inner.destroyed) this.#closed()
  }

  /** The socket whose bytes these are, unchanged, where there is one. */
  get carrier(): Socket | undefined {
    return this.#inner instanceof Socket ? this.#inner : undefined
  }

  override _read(): void {
    this.#inner.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#write([chunk], done)
  }

  override _writev(chunks: { readonly chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#inner.cork()
    this.#write(
      chunks.map(({ chunk }) => chunk),
      done,
    )
    this.#inner.uncork()
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#inner.end(() => this.#afterEnd(done))
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#release()
    done(error)
  }

  #end(failure: Error | undefined | Promise<Error | undefined>): void {
    if (failure instanceof Error) return void this.destroy(failure)
    this.#ended = true
    if (failure) void failure.then((later) => this.#end(later))
    else if (!this.destroyed) this.push(null)
  }

  #write(chunks: readonly Buffer[], done: (error?: Error | null) => void): void {
    this.#afterWrite = done
    if (this.#inner.destroyed) return void this.#wrote(connectionCut())
    let hasRoom = true
    for (const chunk of chunks) hasRoom = this.#inner.write(chunk)
    if (hasRoom || this.#inner.writableLength < heldBytes) this.#wrote()
  }

  #wrote(error?: Error): void {
    const done = this.#afterWrite
    this.#afterWrite = undefined
    done?.(error)
  }

  #closed(): void {
    this.#wrote(connectionCut())
    if (!this.#ended) this.destroy(connectionCut())
  }
}

const connectionCut = () => new Error('the connection was cut')
