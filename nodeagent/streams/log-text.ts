import type { LogLine } from '../backends/backend.js'

const chunkBytes = 32 * 1024

/** Lines as the reader gets them. Pieces of a line have one time, at its beginning. Ends after `limitBytes`. */
export async function* logText(
  lines: AsyncIterable<LogLine>,
  { timestamps, limitBytes = Number.POSITIVE_INFINITY }: { timestamps: boolean; limitBytes?: number | undefined },
): AsyncGenerator<Buffer> {
  let left = limitBytes
  const atLineStart = { stdout: true, stderr: true }
  for await (const { time, stream, bytes } of lines) {
    const stamp = timestamps && atLineStart[stream] ? Buffer.from(`${time} `) : undefined
    atLineStart[stream] = bytes.at(-1) === 10
    const text = stamp ? Buffer.concat([stamp, bytes]) : bytes
    yield text.length > left ? text.subarray(0, left) : text
    left -= text.length
    if (left <= 0) return
  }
}

/** Joins small buffers that are there already; what has to be waited for holds nothing up. */
export async function* inChunks(buffers: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = []
  let size = 0
  const flush = () => {
    const chunk = Buffer.concat(held)
    held = []
    size = 0
    return chunk
  }
  try {
    for (;;) {
      const next = buffers.next()
      if (size > 0 && (await Promise.race([next, nextTurn()])) === later) yield flush()
      const result = await next
      if (result.done) break
      held.push(result.value)
      size += result.value.length
      if (size >= chunkBytes) yield flush()
    }
    if (size > 0) yield flush()
  } finally {
    await buffers.return(undefined)
  }
}

const later = Symbol('later')
const nextTurn = () => new Promise<typeof later>((resolve) => setImmediate(() => resolve(later)))
