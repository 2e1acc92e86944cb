import { Duplex } from 'node:stream'

/** What a stream needs of its connection. */
export interface StreamCarrier {
  sendData(streamId: number, bytes: Buffer, fin: boolean, done: (error?: Error | null) => void): void
  sendReset(streamId: number): void
  forget(streamId: number): void
}

/** A stream that nobody reads holds its connection up when this much has come. */
const maxHeldBytes = 256 * 1024

/** One stream of a SPDY connection, with half-close. Destroyed before both sides have ended, it is reset. */
export class SpdyStream extends Duplex {
  readonly #carrier: StreamCarrier
  #onRoom: (() => void) | undefined
  #isReset = false

  constructor(
    readonly id: number,
    readonly headers: Readonly<Record<string, string>>,
    carrier: StreamCarrier,
  ) {
    super({ allowHalfOpen: true })
    this.#carrier = carrier
    this.on('error', () => {}) // who reads or writes learns of it
  }

  /** Bytes of the other side. Resolves when there is room for more. */
  async receive(bytes: Buffer): Promise<void> {
    if (this.destroyed || this.push(bytes) || this.readableLength < maxHeldBytes) return
    await new Promise<void>((resolve) => {
      this.#onRoom = resolve
    })
  }

  receiveEnd(): void {
    if (!this.destroyed) this.push(null)
  }

  receiveReset(): void {
    this.#isReset = true
    this.destroy(new Error('the other side reset the stream'))
  }

  override _read(): void {
    this.#onRoom?.()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#carrier.sendData(this.id, chunk, false, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#carrier.sendData(this.id, Buffer.alloc(0), true, done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#onRoom?.()
    if (!this.#isReset && !(this.readableEnded && this.writableFinished)) this.#carrier.sendReset(this.id)
    this.#carrier.forget(this.id)
    done(error)
  }
}
