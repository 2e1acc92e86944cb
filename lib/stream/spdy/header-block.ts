/**
 * Header blocks of SPDY/3.1: pairs of names and values in one deflate stream for each direction
 * of a connection, begun with a dictionary that both sides know.
 */
import { createRequire } from 'node:module'
import { constants, createInflate, type Inflate } from 'node:zlib'

// The package has the dictionary of the protocol; its own connections do not fit, see docs/decisions.
const dictionary = (
  createRequire(import.meta.url)('spdy-transport/lib/spdy-transport/protocol/spdy/dictionary.js') as Record<string, Buffer>
)['3']

/** What a block may become. */
const maxHeaderBytes = 64 * 1024

/** Reads the blocks of one direction, in their order. */
export class HeaderReader {
  readonly #inflate: Inflate
  #chunks: Buffer[] = []
  #size = 0

  constructor() {
    this.#inflate = createInflate({ ...(dictionary ? { dictionary } : {}), flush: constants.Z_SYNC_FLUSH })
    this.#inflate.on('error', () => {}) // the read that met it rejects
    this.#inflate.on('data', (chunk: Buffer) => {
      this.#size += chunk.length
      if (this.#size > maxHeaderBytes) this.#inflate.destroy(new Error('a header block is longer than any may be'))
      else this.#chunks.push(chunk)
    })
  }

  async read(block: Buffer): Promise<Record<string, string>> {
    this.#chunks = []
    this.#size = 0
    await new Promise<void>((resolve, reject) => {
      const onClose = () => reject(new Error('a header block could not be read'))
      this.#inflate.once('close', onClose)
      this.#inflate.write(block, (error) => {
        this.#inflate.off('close', onClose)
        if (error || this.#inflate.destroyed) reject(error ?? new Error('a header block is longer than any may be'))
        else resolve()
      })
    })
    return parsePairs(Buffer.concat(this.#chunks))
  }

  close(): void {
    this.#inflate.destroy()
  }
}

function parsePairs(bytes: Buffer): Record<string, string> {
  const pairs: Record<string, string> = Object.create(null)
  let at = 4
  const text = () => {
    const length = bytes.readUInt32BE(at)
    at += 4 + length
    if (at > bytes.length) throw new Error('a header block is cut short')
    return bytes.toString('utf8', at - length, at)
  }
  for (let left = bytes.readUInt32BE(0); left > 0; left--) {
    const name = text().toLowerCase()
    pairs[name] = text().split('\0', 1)[0] ?? ''
  }
  return pairs
}

/** Writes the blocks of one direction: in deflate's form, and not compressed. They are a few bytes. */
export class HeaderWriter {
  #begun = false

  write(pairs: Readonly<Record<string, string>>): Buffer {
    const entries = Object.entries(pairs)
    const plain = Buffer.concat([
      lengthOf(entries.length),
      ...entries.flat().flatMap((text) => [lengthOf(Buffer.byteLength(text)), Buffer.from(text)]),
    ])
    // A stored block, which is not the last: its length, and that again inverted.
    const head = Buffer.alloc(5)
    head.writeUInt16LE(plain.length, 1)
    head.writeUInt16LE(~plain.length & 0xffff, 3)
    const stream = this.#begun ? [] : [zlibHead]
    this.#begun = true
    return Buffer.concat([...stream, head, plain, flush])
  }
}

/** An empty stored block: what readers, Go's among them, take for a flush. Without it they look for more. */
const flush = Buffer.of(0, 0, 0, 0xff, 0xff)
/** Deflate, a window of 32 KB, no dictionary: stored blocks refer to nothing. */
const zlibHead = Buffer.of(0x78, 0x01)

function lengthOf(count: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(count)
  return bytes
}
