import { once } from 'node:events'
import type { ServerHttp2Session } from 'node:http2'
import { type BackoffOptions, backoffDelayMs } from '../base/backoff.js'
import { sleep, systemClock } from '../base/clock.js'
import { dataKeyHeader, dataPath, dataProtocol } from './data-connection.js'
import { duplexOverSocket } from './duplex-over-socket.js'
import type { KeepAliveOptions } from './keep-alive.js'
import { keptContext } from './kept-context.js'
import { answeringSession, type NodeRequestHandler, nodeStreamProtocol } from './node-session.js'
import { requestUpgrade, type UpgradedConnection } from './request-upgrade.js'
import { SpareData } from './spare-data.js'
import { StreamError } from './stream-error.js'

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
const steadyAfterMs = 30_000

/**
 * Keeps one connection to the server, over which it asks and this side answers. Resolves when
 * the signal aborts; every other end is followed by another try.
 */
export async function dialNodeStreams(options: DialOptions): Promise<void> {
  const { signal, backoff = defaultBackoff } = options
  let failures = 0
  while (!signal.aborted) {
    let connectedAtMs: number | undefined
    try {
      const upgraded = await requestUpgrade({ ...options, tls: options.tls(), protocol: nodeStreamProtocol })
      connectedAtMs = performance.now()
      await serve(upgraded, options)
    } catch (error) {
      if (signal.aborted) return
      options.onDisconnected?.(error instanceof Error ? error : new Error(String(error)))
    }
    if (connectedAtMs !== undefined && performance.now() - connectedAtMs >= steadyAfterMs) failures = 0
    // The signal alone rejects the sleep, and the loop looks at it.
    await sleep(systemClock, backoffDelayMs(failures++, backoff), signal).catch(() => {})
  }
}

/** Answers until the connection ends, and says why it did. */
async function serve({ socket, head, headers }: UpgradedConnection, options: DialOptions): Promise<never> {
  const { onRequest, onConnected, keepAlive, signal } = options
  const connection = duplexOverSocket(socket, head)
  const ending = new AbortController()
  const key = headers[dataKeyHeader]
  const spare = typeof key === 'string' ? spareData(key, options, ending.signal) : undefined
  const session: ServerHttp2Session = answeringSession(connection, onRequest, { ...keepAlive, takeData: async (id) => spare?.take(id) })
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
    ending.abort()
    connection.destroy()
  }
}

/** Dials what the server has invited to, as long as the connection stands. */
function spareData(key: string, { server, tls, backoff = defaultBackoff }: DialOptions, signal: AbortSignal): SpareData {
  const contextOf = keptContext()
  const dial = async (id: string) => {
    const files = tls()
    const request = { server, path: dataPath({ key, id }), protocol: dataProtocol, tls: files, secureContext: contextOf(files) }
    return (await requestUpgrade({ ...request, allowHalfOpen: true, signal })).socket
  }
  return new SpareData({ dial, backoff, signal })
}
