import type { IncomingMessage } from 'node:http'
import type { ConnectionOptions } from 'node:tls'
import { WebSocket } from 'ws'
import type { ChannelLink } from './channel-link.js'
import { channelProtocols, maxMessageBytes, WebSocketChannels } from './websocket-channels.js'

export interface DialChannelsOptions {
  /** As wss://127.0.0.1:6443/apis/… */
  readonly url: string
  readonly headers: Readonly<Record<string, string | string[]>>
  readonly tls?: Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'rejectUnauthorized' | 'servername'>
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs: number
}

/** The server answered, and not with an upgrade. */
export class UpgradeRefused extends Error {
  override readonly name = 'UpgradeRefused'
  constructor(
    readonly status: number,
    readonly body: string,
  ) {
    super(`the server answered with code ${status}`)
  }
}

/** More than this of a refusal is not read. */
const maxBodyBytes = 64 * 1024

/** Opens channels over a WebSocket. Rejects with UpgradeRefused, with the connection's error, or with the signal's reason. */
export function dialChannels({ url, headers, tls, signal, timeoutMs }: DialChannelsOptions): Promise<ChannelLink> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const socket = new WebSocket(url, [...channelProtocols], {
      headers,
      ...tls,
      handshakeTimeout: timeoutMs,
      maxPayload: maxMessageBytes,
      perMessageDeflate: false,
    })
    const onAbort = () => {
      reject(signal?.reason)
      socket.terminate()
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    const settle = () => signal?.removeEventListener('abort', onAbort)
    socket.once('error', (error) => {
      settle()
      reject(error)
    })
    socket.once('unexpected-response', (_request, response: IncomingMessage) => {
      settle()
      readBody(response).then((body) => reject(new UpgradeRefused(response.statusCode ?? 0, body)), reject)
    })
    socket.once('open', () => {
      settle()
      const link = new WebSocketChannels(socket)
      signal?.addEventListener('abort', () => link.destroy(), { once: true })
      resolve(link)
    })
  })
}

async function readBody(response: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of response) {
    body += chunk
    if (body.length > maxBodyBytes) break
  }
  return body
}
