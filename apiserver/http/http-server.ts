/**
 * The server: HTTP/1.1, with TLS as users run it. Requests for resources are answered ahead of Express; whatever a client sends, the
 * process lives and the answer of failure is a Status.
 *
 *     const server = await listen(parts, { host: '127.0.0.1', port: 0, tls })
 *     await server.stop()
 */
import { createServer, type RequestListener, type Server, type ServerOptions, STATUS_CODES } from 'node:http'
import { createServer as createTlsServer, type ServerOptions as TlsOptions, Server as TlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { ApiError, badRequest } from '../../lib/api/api-error.js'
import { createRequestListener } from './request-listener.js'
import type { ServerLife } from './server-life.js'
import type { ServerParts } from './server-parts.js'
import { createUpgradeListener } from './upgrade-listener.js'
import { sendError } from './wire/answer.js'

export interface ListenOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** Absent: plain HTTP, for tests and measurements. */
  readonly tls?: TlsOptions
  /** What answers paths that are no resources. */
  readonly app: RequestListener
  readonly life: ServerLife
}

export interface HttpServer {
  readonly port: number
  /** New connections get these certificates; present ones keep theirs. With TLS alone. */
  useTls(tls: TlsOptions): void
  /** Without waiting for anybody: for tests and after a drain. */
  close(): Promise<void>
  /** Takes no new connections, lets the present requests end and ends the watches a few at a time. */
  drain(): Promise<void>
}

export async function listen(parts: ServerParts, options: ListenOptions): Promise<HttpServer> {
  const { bounds } = parts.limits
  const common: ServerOptions = {
    headersTimeout: bounds.headersTimeoutMs,
    requestTimeout: bounds.requestTimeoutMs,
    connectionsCheckingInterval: Math.max(100, Math.min(5_000, bounds.headersTimeoutMs / 2)),
    keepAliveTimeout: 75_000,
    maxHeaderSize: 64 * 1024,
    noDelay: true,
  }
  const listener = createRequestListener(parts, options.app, () => options.life.isDraining)
  const server: Server = options.tls
    ? createTlsServer({ ...common, ...options.tls, ALPNProtocols: ['http/1.1'] }, listener)
    : createServer(common, listener)
  const sockets = new Set<Duplex>()
  server.on(options.tls ? 'secureConnection' : 'connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on(
    'upgrade',
    createUpgradeListener(parts, () => options.life.isDraining),
  )
  server.on('clientError', answerBrokenRequest)
  server.on('checkExpectation', (_request, response) =>
    sendError(response, new ApiError('BadRequest', 'this expectation is not supported', { code: 417 })),
  )
  await start(server, options)
  const closed = () => new Promise<void>((resolve) => server.close(() => resolve()))
  return {
    port: (server.address() as AddressInfo).port,
    useTls(tls) {
      if (server instanceof TlsServer) server.setSecureContext(tls)
    },
    async drain() {
      const ended = closed()
      server.closeIdleConnections()
      await parts.hub.endAll(watchEndsPerSecond)
      const idle = setInterval(() => server.closeIdleConnections(), 100)
      const patience = setTimeout(() => {
        server.closeAllConnections()
        // What was upgraded is no connection of the server's any more, and would keep it from ending all the same.
        for (const socket of sockets) socket.destroy()
      }, drainPatienceMs)
      await ended
      clearInterval(idle)
      clearTimeout(patience)
    },
    async close() {
      const ended = closed()
      server.closeAllConnections()
      for (const socket of sockets) socket.destroy()
      await ended
    },
  }
}
const watchEndsPerSecond = 500
const drainPatienceMs = 10_000

function start(server: Server, { host, port }: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: 1024 }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** What cannot even be read as a request still gets a Status. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswering(socket)) {
    socket.destroy()
    return
  }
  const failure = brokenRequest(error.code)
  const body = JSON.stringify(failure.toStatus())
  const head = `HTTP/1.1 ${failure.code} ${STATUS_CODES[failure.code]}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`
  socket.end(head + body)
}

/**
 * Whether an answer is on its way: a watch, or a long list. Nothing of another one may come in between. Node's own default asks the same.
 */
function isAnswering(socket: Duplex & { readonly _httpMessage?: { readonly headersSent: boolean } | null }): boolean {
  return socket._httpMessage?.headersSent === true
}

function brokenRequest(code: string | undefined): ApiError {
  if (code === 'HPE_HEADER_OVERFLOW') return new ApiError('BadRequest', 'the headers of the request are too large', { code: 431 })
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new ApiError('Timeout', 'the request did not arrive in time', { code: 408 })
  return badRequest('the request is not valid HTTP/1.1')
}
