import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { Exchange } from './exchange.js'
import { sendPieces } from './send-pieces.js'

const item = Buffer.from(JSON.stringify('x'.repeat(1000)))
const large = {
  opening: Buffer.from('['),
  closing: Buffer.from(']'),
  items: Array.from({ length: 5_000 }, () => item),
  print: (bytes: Buffer) => bytes,
  stallMs: 30_000,
}

/** One exchange, handed to `answer` when the client has gone. */
async function afterTheClientLeft(headers: Record<string, string>, answer: (exchange: Exchange) => Promise<void>): Promise<void> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = request({ port: (server.address() as AddressInfo).port, headers })
  client.on('error', () => {})
  client.end()
  const [incoming, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse]
  const closed = once(response, 'close')
  client.destroy()
  await closed
  await answer({ request: incoming, response } as Exchange)
  server.close()
}

describe('a large document for a client that left while it was read', () => {
  it.each([
    ['as it is', {}],
    ['compressed', { 'accept-encoding': 'gzip' }],
  ])('is given up at once, %s', async (_how, headers) => {
    let isGivenUp = false
    await afterTheClientLeft(headers, async (exchange) => {
      await sendPieces(exchange, large)
      isGivenUp = true
    })
    expect(isGivenUp).toBe(true)
  })
})
