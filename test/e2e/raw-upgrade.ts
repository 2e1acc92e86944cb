import type { IncomingMessage } from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ClientConfig } from '../../lib/client/client-config.js'
import { duplexOverSocket } from '../../lib/stream/duplex-over-socket.js'

/** PEM texts of a config that was made for a test. */
export function pemOf({ ca, certificate, key }: ClientConfig): { ca: string; cert: string; key: string } {
  const text = (part: ClientConfig['ca']) => (part && 'data' in part ? part.data : '')
  return { ca: text(ca), cert: text(certificate), key: text(key) }
}

export interface Upgraded {
  readonly headers: IncomingMessage['headers']
  readonly transport: Duplex
}

/** Asks for an upgrade; resolves with the raw connection, or with the Status that refused it. */
export function askUpgrade(
  config: ClientConfig,
  method: 'GET' | 'POST',
  path: string,
  headers: Record<string, string>,
): Promise<Upgraded | { status: number; message: string }> {
  const { hostname, port } = new URL(config.server)
  return new Promise((resolve, reject) => {
    const request = https.request({
      host: hostname,
      port,
      method,
      path,
      agent: false,
      headers: { connection: 'Upgrade', ...headers },
      ...pemOf(config),
    })
    request.once('error', reject)
    request.once('upgrade', (response: IncomingMessage, socket: Socket, head: Buffer) =>
      resolve({ headers: response.headers, transport: duplexOverSocket(socket, head) }),
    )
    request.once('response', async (response) => {
      let body = ''
      for await (const chunk of response) body += chunk
      resolve({ status: response.statusCode ?? 0, message: (JSON.parse(body) as { message: string }).message })
    })
    request.end()
  })
}
