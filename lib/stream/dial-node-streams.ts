import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { ServerHttp2Session } from 'node:http2'
import https from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type BackoffOptions, backoffDelayMs } from '../base/backoff.js'
import { sleep, systemClock } from '../base/clock.js'
import { duplexOverSocket } from './duplex-over-socket.js'
import type { KeepAliveOptions } from './keep-alive.js'
import { answeringSession, type NodeRequestHandler, nodeStreamProtocol, StreamError } from './node-session.js'

export interface DialOptions {
  /** As https://127.0.0.1:6443. */
  readonly server: string
  /** As /apis/millrace.dev/v1/nodestreams/n1. */
  readonly path: string
  /** Asked anew for each connection: certificates are renewed. PEM. */
  readonly tls: () => { readonly ca: string | Buffer; readonly cert: string | Buffer; readonly key: string | Buffer }
  readonly onRequest: NodeRequestHandler
  /** The connection stands. */
  readonly onConnected?: () => void
  /** It broke, or could not be made; the next try follows after a delay. */
  readonly onDisconnected?: (error: Error) => void
  /** Between tries. Default: full jitter, 0.8 s doubling to 30 s; starts over after a connection that stood for 30 s. */
  readonly backoff?: BackoffOptions
  readonly keepAlive?: KeepAliveOptions
  readonly signal: AbortSignal
}

const defaultBackoff: BackoffOptions = { initialMs: 800, maxMs: 30_000 }
const dialTimeoutMs = 30_000
const steadyAfterMs = 30_000

/**
 * Keeps one connection to the server, over which it asks and this side answers. Resolves when the signal aborts; every other end is followed
 * by another try.
 */
export async function dialNodeStreams(options: DialOptions): Promise<void> {
  const { signal, backoff = defaultBackoff } = options
  let failures = 0
  while (!signal.aborted) {
    let connectedAtMs: number | undefined
    try {
      const connection = await dial(options)
      connectedAtMs = performance.now()
      await serve(connection, options)
    } catch (error) {
      if (signal.aborted) return
      options.onDisconnected?.(error instanceof Error ? error : new Error(String(error)))
    }
    if (connectedAtMs !== undefined && performance.now() - connectedAtMs >= steadyAfterMs) failures = 0
    // The signal alone rejects the sleep, and the loop looks at it.
    await sleep(systemClock, backoffDelayMs(failures++, backoff), signal).catch(() => {})
  }
}

/** Sends the upgrade request; resolves with the raw connection. */
async function dial({ server, path, tls, signal }: DialOptions): Promise<Duplex> {
  const { hostname, port } = new URL(server)
  const request = https.request({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port || 443,
    path,
    headers: { connection: 'Upgrade', upgrade: nodeStreamProtocol },
    agent: false,
    timeout: dialTimeoutMs,
    signal,
    ...tls(),
  })
  request.once('timeout', () => request.destroy(new StreamError(`${server} has not answered for ${dialTimeoutMs} ms`)))
  return new Promise((resolve, reject) => {
    request.once('error', reject)
    request.once('upgrade', (_response: IncomingMessage, socket: Socket, head: Buffer) => resolve(duplexOverSocket(socket, head)))
    request.once('response', (response) => {
      response.resume()
      request.destroy()
      reject(new StreamError(`${server} refused the connection for streams with code ${response.statusCode}`))
    })
    request.end()
  })
}

/** Answers until the connection ends, and says why it did. */
async function serve(connection: Duplex, { onRequest, onConnected, keepAlive, signal }: DialOptions): Promise<never> {
  const session: ServerHttp2Session = answeringSession(connection, onRequest, keepAlive)
  const stop = () => session.destroy()
  let failure: Error | undefined
  session.on('error', (error) => {
    failure = error
  })
  signal.addEventListener('abort', stop, { once: true })
  try {
    if (signal.aborted) stop()
    else onConnected?.()
    if (!session.destroyed) await once(session, 'close')
    throw failure ?? new StreamError('the server ended the connection')
  } finally {
    signal.removeEventListener('abort', stop)
    connection.destroy()
  }
}
