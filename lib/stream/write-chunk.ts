import type { Writable } from 'node:stream'

/**
 * Writes and waits: resolves when the chunk has gone on its way, rejects when the
 * stream is gone. So one chunk at a time is held, and no more.
 */
export function writeChunk(stream: Writable, chunk: unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    const onClose = () => reject(new Error('the stream is gone'))
    stream.once('close', onClose)
    if (stream.destroyed) return onClose()
    stream.write(chunk, (error) => {
      stream.off('close', onClose)
      if (error) reject(error)
      else resolve()
    })
  })
}
