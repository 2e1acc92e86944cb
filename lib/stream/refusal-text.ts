import type { Readable } from 'node:stream'

/** More than this of an agent's error is not read. */
const maxBytes = 16 * 1024
/** Longer than this it is not waited for. */
const timeoutMs = 10_000

/** What an agent's answer other than 200 says: the message of a Status, or the text itself. Never rejects. */
export async function readRefusalText(body: Readable): Promise<string> {
  const text = await readText(body)
  try {
    const { message } = JSON.parse(text) as { message?: unknown }
    return typeof message === 'string' ? message : ''
  } catch {
    return text.trim()
  }
}

async function readText(body: Readable): Promise<string> {
  const timer = setTimeout(() => body.destroy(new Error('too slow')), timeoutMs)
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes > maxBytes) break
    }
  } catch {
    // What came is what there is to say.
  } finally {
    clearTimeout(timer)
  }
  return Buffer.concat(chunks).subarray(0, maxBytes).toString()
}
