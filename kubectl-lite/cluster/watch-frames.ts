import { setTimeout as delay } from 'node:timers/promises'
import { ApiError } from '../../lib/api/api-error.js'
import { backoffDelayMs } from '../../lib/base/backoff.js'
import { type Client, ConnectionError } from '../../lib/client/client.js'
import { decodeAnswer } from '../../lib/client/decode-answer.js'

export interface WatchFrame {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  /** The object, or a Table with one row, as `accept` asked for. */
  readonly object: unknown
}

export interface WatchOptions {
  /** The list's path and query, without watch parameters. */
  readonly path: string
  readonly resourceVersion: string
  readonly accept?: string
  readonly signal: AbortSignal
}

const maxTries = 8

/**
 * Every change after `resourceVersion`, until the signal aborts. A stream that ends or breaks is resumed where it stood. Throws the
 * server's ApiError (410 Expired when the place is too old), or ConnectionError when the server stays away.
 */
export async function* watchFrames(client: Client, options: WatchOptions): AsyncGenerator<WatchFrame> {
  let resourceVersion = options.resourceVersion
  for (let tries = 0; !options.signal.aborted; ) {
    try {
      const separator = options.path.includes('?') ? '&' : '?'
      const query = `watch=true&allowWatchBookmarks=true&resourceVersion=${encodeURIComponent(resourceVersion)}`
      const response = await client.raw({
        method: 'GET',
        path: `${options.path}${separator}${query}`,
        headers: options.accept ? { accept: options.accept } : {},
        signal: options.signal,
      })
      for await (const line of lines(response.body)) {
        tries = 0
        const frame = decodeAnswer(line) as { type: string; object: unknown }
        if (frame.type === 'ERROR') throw ApiError.fromStatus(frame.object as Parameters<typeof ApiError.fromStatus>[0], 500)
        resourceVersion = versionOf(frame.object) ?? resourceVersion
        if (frame.type === 'ADDED' || frame.type === 'MODIFIED' || frame.type === 'DELETED')
          yield { type: frame.type, object: frame.object }
      }
    } catch (error) {
      if (options.signal.aborted) return
      if (!(error instanceof ConnectionError) || tries >= maxTries) throw error
    }
    if (tries > 0)
      await delay(backoffDelayMs(tries, { initialMs: 200, maxMs: 5_000 }), undefined, { signal: options.signal }).catch(() => undefined)
    tries++
  }
}

/** The object's resourceVersion; for a Table, its own or that of its one row. */
function versionOf(object: unknown): string | undefined {
  const { metadata, rows } = object as {
    metadata?: { resourceVersion?: string }
    rows?: { object?: { metadata?: { resourceVersion?: string } } }[]
  }
  return metadata?.resourceVersion || rows?.[0]?.object?.metadata?.resourceVersion
}

async function* lines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts) if (part !== '') yield part
  }
}
