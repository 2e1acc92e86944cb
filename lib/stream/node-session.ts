/**
 * A node's connection: the agent dials it, and then the server asks and the agent answers, over HTTP/2. The one rule: what ends early is an
 * error on both sides, never a short success.
 *
 *     const session = askingSession(duplexOverSocket(socket, head))               // the server
 *     const { status, stream } = await ask(session, { path: '/logs/default/hello', signal })
 *
 *     answeringSession(duplexOverSocket(socket, head), (request, stream) => {     // the agent
 *       stream.respond({ ':status': 200 })
 *       stream.end('hello')
 *     })
 */
import http2 from 'node:http2'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { dataHeader } from './data-connection.js'
import { dataDuplex } from './data-duplex.js'
import { type KeepAliveOptions, keepAlive } from './keep-alive.js'
import { RelayDuplex } from './relay-duplex.js'
import { StreamError } from './stream-error.js'

/** The word in the Upgrade header of both sides. */
export const nodeStreamProtocol = 'millrace-stream/1'

/** A stream's own window: what a reader that stalls can make the other side send ahead. */
const streamWindowBytes = 512 * 1024
/** The whole connection's, so that distance does not slow it. */
const connectionWindowBytes = 16 * 1024 * 1024
/** Buffers of all streams together, in MB: a limit on damage, not on use. */
const maxSessionMemory = 512
export const maxConcurrentStreams = 1000
/** Longer paths are not asked for: what HTTP/2 does not send for its length, Node gives up the whole connection over. */
const maxPathBytes = 48 * 1024
const settings: http2.Settings = { enablePush: false, initialWindowSize: streamWindowBytes, maxConcurrentStreams }

export interface NodeRequest {
  readonly method?: string
  /** Path and query. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** Whether the caller writes too; else its half is closed at once. Default false. */
  readonly writes?: boolean
  readonly signal?: AbortSignal
  /** Until the head of the answer is there, milliseconds. Default 30 s. */
  readonly timeoutMs?: number
  /** Called when nothing of it is under way any more. */
  readonly onClosed?: () => void
}

export interface NodeAnswer {
  readonly status: number
  readonly headers: http2.IncomingHttpHeaders
  /** Fails when the answer is cut short. Destroying it tells the agent to stop. */
  readonly stream: Duplex
}

/** The side that asks. */
export function askingSession(connection: Duplex, options: KeepAliveOptions = {}): http2.ClientHttp2Session {
  const session = http2.connect('http://node', { createConnection: () => connection, settings, maxSessionMemory })
  // `close` follows, and every stream of the session fails.
  session.on('error', () => {})
  // It may have ended in the turn in which it began.
  session.once('connect', () => session.destroyed || session.setLocalWindowSize(connectionWindowBytes))
  keepAlive(session, connection, options)
  return session
}

/**
 * Answers one request. A rejection before the head is a 500, and after it the stream fails. To fail a stream yourself, destroy it with an
 * error: `stream.close(code)` ends it as if it were complete.
 */
export type NodeRequestHandler = (request: ReceivedRequest, stream: http2.ServerHttp2Stream) => void | Promise<void>

export interface ReceivedRequest {
  readonly method: string
  readonly path: string
  readonly headers: http2.IncomingHttpHeaders
  /** Where the bytes of both sides go: the stream itself, or the data connection that the request names. */
  readonly bytes: Duplex
}

export interface AnsweringOptions extends KeepAliveOptions {
  /** The data connection of that number. */
  readonly takeData?: (id: string) => Promise<Socket | undefined>
}

/** The side that answers. */
export function answeringSession(
  connection: Duplex,
  onRequest: NodeRequestHandler,
  options: AnsweringOptions = {},
): http2.ServerHttp2Session {
  const session = http2.performServerHandshake(connection, { settings, maxSessionMemory })
  session.on('error', () => {})
  session.setLocalWindowSize(connectionWindowBytes)
  session.on('stream', (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
    // A stream that fails is closed by its failure; whoever writes to it learns from `close`.
    stream.on('error', () => {})
    const request = { method: headers[':method'] ?? '', path: headers[':path'] ?? '', headers }
    bytesOf(stream, headers[dataHeader], options)
      .then((bytes) => onRequest({ ...request, bytes }, stream))
      .catch(() => refuse(stream))
  })
  keepAlive(session, connection, options)
  return session
}

/** Rejects with StreamError when there is no such data connection. */
async function bytesOf(
  stream: http2.ServerHttp2Stream,
  id: string | string[] | undefined,
  { takeData }: AnsweringOptions,
): Promise<Duplex> {
  if (id === undefined) return stream
  const socket = await takeData?.(String(id))
  if (!socket) throw new StreamError(`there is no data connection ${id}`)
  return dataDuplex(socket, wholeOrFailed(stream))
}

function refuse(stream: http2.ServerHttp2Stream): void {
  if (stream.destroyed) return
  if (stream.headersSent) stream.destroy(new StreamError('the answer failed'))
  else stream.respond({ ':status': 500 }, { endStream: true })
}

/** Sends a request and waits for the head of its answer. Rejects with StreamError, or with the signal's reason. */
export function ask(session: http2.ClientHttp2Session, request: NodeRequest): Promise<NodeAnswer> {
  const { signal, method = 'GET', path, headers = {}, writes = false, timeoutMs = 30_000 } = request
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    if (session.destroyed || session.closed) return reject(new StreamError('the connection of the node is closed'))
    if (path.length > maxPathBytes) return reject(new StreamError(`the request is longer than ${maxPathBytes} bytes`))
    const stream = session.request({ ...headers, ':method': method, ':path': path }, { endStream: !writes })
    const fail = (error: unknown) => {
      settle()
      reject(error)
      stream.destroy(new StreamError('nobody waits for the answer'))
    }
    const onAbort = () => fail(signal?.reason)
    const onClose = () => fail(new StreamError('the connection of the node was cut before it answered'))
    const timer = setTimeout(() => fail(new StreamError(`the node has not answered for ${timeoutMs} ms`)), timeoutMs)
    const settle = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      stream.off('close', onClose)
    }
    stream.on('error', () => {})
    stream.once('close', onClose).once('close', () => request.onClosed?.())
    signal?.addEventListener('abort', onAbort, { once: true })
    stream.once('response', (answer) => {
      settle()
      const body = wholeOrFailed(stream)
      const stop = () => body.destroy(signal?.reason)
      signal?.addEventListener('abort', stop, { once: true })
      stream.once('close', () => signal?.removeEventListener('abort', stop))
      resolve({ status: answer[':status'] ?? 0, headers: answer, stream: body })
    })
  })
}

/**
 * HTTP/2 streams of a cut connection end as if they were complete; their reset code
 * tells, or, when this side has cut it, the session. This one fails.
 */
function wholeOrFailed(stream: http2.Http2Stream): Duplex {
  const { session } = stream
  return new RelayDuplex(stream, {
    whyIncomplete: () =>
      stream.rstCode === http2.constants.NGHTTP2_NO_ERROR && !session?.destroyed
        ? undefined
        : new StreamError('the other side ended the stream early'),
    release() {
      if (stream.closed) stream.destroy()
      // Its own end may still wait to be sent: an error would overtake it. It closes by itself.
      else if (!stream.readableEnded || !stream.writableFinished) stream.destroy(new StreamError('the reader went away'))
    },
  })
}
