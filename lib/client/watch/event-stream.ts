/**
 * One server-sent event stream over our own transport, from its request to its end. The `eventsource` package reads the frames. Left alone
 * it would retry every 3 s for ever, stop for good on any answer but 200, and never notice silence: so it gets one connection only, and a
 * watchdog fed by every byte (the server's comments included) ends what has gone quiet. Opening the next stream is `followResources`' work.
 */
import type { IncomingMessage } from 'node:http'
import { badRequest } from '../../api/api-error.js'
import { startWatchdog } from '../../base/watchdog.js'
import { ConnectionError, type EventStream, type StreamReceiver } from '../client.js'
import { errorFromBody } from '../send-request.js'
import type { Transport } from '../transport.js'

export interface EventStreamOptions {
  readonly transport: Transport
  readonly server: string
  readonly path: string
  /** Silence after which the stream counts as broken, milliseconds. */
  readonly watchdogMs: number
}

/** The types of watch events. */
const eventTypes = ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR'] as const

export function openEventStream(options: EventStreamOptions, receiver: StreamReceiver): EventStream {
  const { transport, server, path, watchdogMs } = options
  const abort = new AbortController()
  let source: EventStream | undefined
  let failure: Error | undefined
  let ended = false

  const close = () => {
    ended = true
    watchdog.stop()
    source?.close()
    abort.abort()
  }
  const end = (reason: Error | undefined) => {
    if (ended) return
    close()
    receiver.end(reason)
  }
  const watchdog = startWatchdog(watchdogMs, () => end(new ConnectionError(`${server} has been silent for ${watchdogMs} ms`)))

  const request = async (): Promise<IncomingMessage> => {
    const headers = { accept: 'text/event-stream' }
    const response = await transport.send({ method: 'GET', path, headers, signal: abort.signal, stream: true })
    if (response.statusCode !== 200) throw errorFromBody(await readAll(response), response.statusCode ?? 0)
    const contentType = response.headers['content-type'] ?? 'no content type'
    if (contentType.startsWith('text/event-stream')) return response
    response.destroy()
    throw badRequest(`${server} answered a watch with ${contentType}, not with server-sent events`)
  }

  /** Keeps the cause of a failure, which the package's own error event drops. */
  const remember = (error: unknown): never => {
    failure = error instanceof Error ? error : new Error(String(error))
    throw failure
  }

  /** What the package calls instead of fetch. */
  const fetch = async () => {
    const response = await request().catch(remember)
    const chunks = response[Symbol.asyncIterator]()
    const read = async () => {
      const next = await chunks.next().catch((error: unknown) => remember(broken(error, server)))
      watchdog.feed()
      return next.done ? { done: true as const, value: undefined } : { done: false as const, value: next.value as Uint8Array }
    }
    const headers = { get: () => response.headers['content-type'] ?? null }
    return { status: 200, url: server, redirected: false, headers, body: { getReader: () => ({ read, cancel: async () => {} }) } }
  }

  const start = async () => {
    const { EventSource } = await import('eventsource')
    if (ended) return
    const opened = new EventSource(new URL(server), { fetch })
    source = opened
    opened.addEventListener('open', () => receiver.open?.())
    opened.addEventListener('error', () => {
      end(failure)
      // After this event the package sets the timer of its own retry, closed or not; closing again removes it.
      queueMicrotask(() => opened.close())
    })
    for (const type of eventTypes) {
      opened.addEventListener(type, (event) => {
        if (!ended) receiver.event(type, event.data, event.lastEventId)
      })
    }
  }
  start().catch((error: unknown) => end(error instanceof Error ? error : new Error(String(error))))

  return { close }
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of response) chunks.push(chunk as Uint8Array)
  return Buffer.concat(chunks).toString('utf8')
}

function broken(error: unknown, server: string): ConnectionError {
  return new ConnectionError(`the watch connection to ${server} broke`, { cause: error })
}
