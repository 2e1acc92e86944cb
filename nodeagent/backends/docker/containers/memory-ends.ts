import { constants, type FileHandle, open } from 'node:fs/promises'

/** The kernel's own record (a facility of 0) of a group that had no memory left. A group within a container's is not the container's. */
const record = /^[0-7],[^;]*;oom-kill:.*oom_memcg=[^,]*?([0-9a-f]{64})(?:\.scope)?,/gm
/** One read gives one record. */
const recordBytes = 8192
const maxKnown = 1000

/**
 * The containers that the kernel had no memory left for, by its log: the engine misses one now and then, as what it listens to goes
 * with the container. Where the log cannot be read, it knows of none. Source: Linux, Documentation/ABI/testing/dev-kmsg.
 */
export class MemoryEnds {
  readonly #file: string
  #log: Promise<FileHandle | undefined> | undefined
  #reading: Promise<void> = Promise.resolve()
  readonly #known = new Set<string>()

  constructor(file = '/dev/kmsg') {
    this.#file = file
  }

  /** By the container's whole id. Never rejects. */
  async has(id: string): Promise<boolean> {
    this.#reading = this.#reading.then(() => this.#readNew())
    await this.#reading
    return this.#known.has(id)
  }

  async close(): Promise<void> {
    await this.#reading
    await (await this.#log)?.close()
  }

  async #readNew(): Promise<void> {
    this.#log ??= open(this.#file, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => undefined)
    const log = await this.#log
    while (log && (await this.#readNext(log)));
  }

  /** False when there is no more. */
  async #readNext(log: FileHandle): Promise<boolean> {
    try {
      const { buffer, bytesRead } = await log.read({ buffer: Buffer.alloc(recordBytes) })
      this.#learn(buffer.toString('utf8', 0, bytesRead))
      return bytesRead > 0
    } catch (error) {
      // What was overwritten before it was read is passed over; EAGAIN is the end.
      return (error as NodeJS.ErrnoException).code === 'EPIPE'
    }
  }

  #learn(text: string): void {
    for (const [, id = ''] of text.matchAll(record)) this.#known.add(id)
    for (const oldest of this.#known) {
      if (this.#known.size <= maxKnown) break
      this.#known.delete(oldest)
    }
  }
}
