import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { judgeRepeatedly } from '../../lib/stream/repeated-judgement.js'

export interface PassOnOptions {
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  /** Whether the reader still may, and what it reads is still what it asked for. */
  readonly isStillDue: () => boolean
  readonly judgeEveryMs: number
}

/** From the agent to the client. A stream that ends early ends the client's connection too: what it got is not taken for the whole. */
export async function passOn(stream: Duplex, response: ServerResponse, options: PassOnOptions): Promise<void> {
  const { status, headers, isStillDue, judgeEveryMs } = options
  response.writeHead(status, { ...headers, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
  response.flushHeaders()
  const stop = judgeRepeatedly(judgeEveryMs, isStillDue, () => stream.destroy(new Error('no longer allowed')))
  try {
    await pipeline(stream, response)
  } catch {
    // Both ends are destroyed, and that is the answer: the head is sent.
  } finally {
    stop()
  }
}
