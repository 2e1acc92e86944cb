import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { StreamError, StreamRefused } from './stream-error.js'

export interface UpgradeRequest {
  /** As https://127.0.0.1:6443. */
  readonly server: string
  readonly path: string
  /** The word in the Upgrade header. */
  readonly protocol: string
  /** PEM. */
  readonly tls: { readonly ca: string | Buffer; readonly cert: string | Buffer; readonly key: string | Buffer }
  /** What was made of them, where that is kept. */
  readonly secureContext?: SecureContext
  /** Whether each side of the connection may end its half alone. */
  readonly allowHalfOpen?: boolean
  readonly signal: AbortSignal
}

export interface UpgradedConnection {
  readonly socket: Socket
  /** Bytes that came behind the answer. */
  readonly head: Buffer
  readonly headers: IncomingHttpHeaders
}

const timeoutMs = 30_000

/**
 * Dials a server and asks for an upgrade. Rejects with StreamError when it is
 * refused or not answered, with the connection's error otherwise.
 */
export function requestUpgrade(options: UpgradeRequest): Promise<UpgradedConnection> {
  const { server, path, protocol, tls, secureContext, allowHalfOpen = false, signal } = options
  const { hostname, port } = new URL(server)
  const request = https.request({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port || 443,
    path,
    headers: { connection: 'Upgrade', upgrade: protocol },
    agent: false,
    timeout: timeoutMs,
    signal,
    ...{ allowHalfOpen, secureContext },
    ...tls,
  })
  request.once('timeout', () => request.destroy(new StreamError(`${server} has not answered for ${timeoutMs} ms`)))
  return new Promise((resolve, reject) => {
    request.once('error', reject)
    request.once('upgrade', ({ headers }: IncomingMessage, socket: Socket, head: Buffer) => resolve({ socket, head, headers }))
    request.once('response', (response) => {
      response.resume()
      request.destroy()
      reject(new StreamRefused(`${server} refused the connection for streams with code ${response.statusCode}`, response.statusCode))
    })
    request.end()
  })
}
