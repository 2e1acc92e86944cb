import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { judgeRepeatedly } from '../../lib/stream/repeated-judgement.js'

export interface PassOnOptions {
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  /** So many the head announces, and neither more nor less is the whole. Absent: it announces none. */
  readonly bytes?: number
  /** Whether the reader still may, and what it reads is still what it asked for. */
  readonly isStillDue: () => boolean
  readonly judgeEveryMs: number
}

/** From the agent to the client. A stream that ends early ends the client's connection too: what it got is not taken for the whole. */
export async function passOn(stream: Duplex, response: ServerResponse, options: PassOnOptions): Promise<void> {
  const { status, headers, bytes, isStillDue, judgeEveryMs } = options
  response.writeHead(status, { ...headers, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
  response.flushHeaders()
  const stop = judgeRepeatedly(judgeEveryMs, isStillDue, () => stream.destroy(new Error('no longer allowed')))
  try {
    await (bytes === undefined ? pipeline(stream, response) : pipeline(stream, (source) => exactly(bytes, source), response))
  } catch {
    // Both ends are destroyed, and that is the answer: the head is sent.
  } finally {
    stop()
  }
}

/**
 * The same bytes as long as they are no more than so many; ends with an error when they are
 * others. What is more, a client would take for the next answer.
 */
async function* exactly(bytes: number, source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let left = bytes
  for await (const chunk of source) {
    left -= chunk.length
    if (left < 0) throw new Error('the agent sent more than it has announced')
    yield chunk
  }
  if (left > 0) throw new Error('the agent sent less than it has announced')
}
