import { Transform, type TransformCallback } from 'node:stream'

/**
 * Passes bytes on until a mark, at which it ends; what comes behind it is dropped. Holds nothing back but what may be the mark's beginning.
 */
export class UntilMark extends Transform {
  private held: Buffer = Buffer.alloc(0)
  private done = false
  private readonly mark: Buffer

  constructor(mark: string) {
    super()
    this.mark = Buffer.from(mark)
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    if (!this.done) this.passOn(this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]))
    callback()
  }

  private passOn(bytes: Buffer): void {
    const end = bytes.indexOf(this.mark)
    this.done = end >= 0
    const doubtful = this.done ? 0 : this.beginningAtEnd(bytes)
    const passed = bytes.subarray(0, this.done ? end : bytes.length - doubtful)
    this.held = bytes.subarray(bytes.length - doubtful)
    if (passed.length > 0) this.push(passed)
    if (this.done) this.push(null)
  }

  override _flush(callback: TransformCallback): void {
    callback(null, this.done ? undefined : this.held)
  }

  /** How many of the last bytes are the first ones of the mark. */
  private beginningAtEnd(bytes: Buffer): number {
    for (let length = Math.min(this.mark.length - 1, bytes.length); length > 0; length--)
      if (bytes.subarray(bytes.length - length).equals(this.mark.subarray(0, length))) return length
    return 0
  }
}
