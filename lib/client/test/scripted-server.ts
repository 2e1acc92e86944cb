/** A server on a real socket that answers as the test scripts it, and remembers what it was asked. For tests of the client alone. */
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import { freePort } from '../../../test/processes/free-port.js'
import type { StatusDetails } from '../../api/api-error.js'

export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export type Script = (request: SeenRequest, response: ServerResponse, socket: Socket) => void | Promise<void>

export interface ScriptedServer {
  readonly url: string
  readonly requests: SeenRequest[]
  /** Cuts every connection, as a crash would. */
  cut(): void
  /** Cuts every connection and listens no longer; `restart` listens at the same port again. */
  stop(): Promise<void>
  restart(): Promise<void>
  close(): Promise<void>
}

export async function startScriptedServer(script: Script, tls?: https.ServerOptions): Promise<ScriptedServer> {
  const requests: SeenRequest[] = []
  const sockets = new Set<Socket>()
  const onRequest = async (incoming: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const url = new URL(incoming.url ?? '/', 'http://server')
    const body = Buffer.concat(chunks).toString('utf8')
    const request = { method: incoming.method ?? '', path: url.pathname, query: url.searchParams, headers: incoming.headers, body }
    requests.push(request)
    await script(request, response, incoming.socket)
  }
  const start = async (port: number) => {
    const listener = (request: IncomingMessage, response: ServerResponse) => {
      onRequest(request, response).catch((error: unknown) => response.destroy(error as Error))
    }
    const server = tls ? https.createServer(tls, listener) : http.createServer(listener)
    server.on('connection', (socket: Socket) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    })
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    return server
  }
  const port = await freePort()
  let server = await start(port)
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  const stop = async () => {
    const closed = new Promise((resolve) => server.close(resolve))
    cut()
    await closed
  }
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    requests,
    cut,
    stop,
    restart: async () => {
      server = await start(port)
    },
    close: stop,
  }
}

export function sendJson(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

export function sendStatus(response: ServerResponse, code: number, reason: string, message: string, details?: StatusDetails): void {
  sendJson(response, code, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason, message, code, details })
}
