import type { FileHandle } from 'node:fs/promises'
import { isWholeLogLine } from './log-line.js'

const chunkBytes = 64 * 1024
const lineFeed = 10

/**
 * Where the last `count` lines of some files (oldest first) begin; pieces count with
 * their line. Reads backwards: the tail of a large log is cheap.
 */
export async function findTail(files: readonly FileHandle[], count: number): Promise<{ index: number; offset: number }> {
  let wanted = count
  for (let index = files.length - 1; index >= 0; index--) {
    const handle = files[index]
    if (!handle) continue
    const { offset, missing } = await findTailOf(handle, wanted)
    if (missing === 0) return { index, offset }
    wanted = missing
  }
  return { index: 0, offset: 0 }
}

/** The same for one file; `missing` lines must come from the file before it. */
async function findTailOf(handle: FileHandle, count: number): Promise<{ offset: number; missing: number }> {
  const { size } = await handle.stat()
  let found = 0
  let followingLine = size
  let chunkStart = size
  let tail: Buffer = Buffer.alloc(0) // from chunkStart to followingLine, but for lines that were looked at
  while (chunkStart > 0) {
    const start = Math.max(0, chunkStart - chunkBytes)
    const chunk = Buffer.alloc(chunkStart - start)
    await handle.read(chunk, 0, chunk.length, start)
    let text = Buffer.concat([chunk, tail])
    chunkStart = start
    // Each turn takes the last line off the text, as long as its beginning is in the text.
    for (;;) {
      const lineEnd = text.length - (text.at(-1) === lineFeed ? 1 : 0)
      const before = lineEnd > 0 ? text.lastIndexOf(lineFeed, lineEnd - 1) : -1
      if (before < 0 && chunkStart > 0) break
      if (text.length === 0) break
      if (isWholeLogLine(text.subarray(before + 1, lineEnd)) && ++found > count) return { offset: followingLine, missing: 0 }
      followingLine = chunkStart + before + 1
      text = text.subarray(0, before + 1)
    }
    tail = text
  }
  return { offset: 0, missing: count - found }
}
