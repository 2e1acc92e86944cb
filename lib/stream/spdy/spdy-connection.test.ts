import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { constants, createDeflate } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../testing/eventually.js'
import { duplexOverSocket } from '../duplex-over-socket.js'
import { SpdyClient } from '../fixtures/spdy-client.js'
import { controlFrame, frameTypes, words } from './frames.js'
import { HeaderReader, HeaderWriter } from './header-block.js'
import { SpdyConnection } from './spdy-connection.js'
import type { SpdyStream } from './spdy-stream.js'

let server: net.Server
let client: SpdyClient
let connection: SpdyConnection
let streams: SpdyStream[]

beforeEach(async () => {
  streams = []
  server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const near = net.connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [far] = (await once(server, 'connection')) as [net.Socket]
  client = new SpdyClient(duplexOverSocket(near))
  connection = new SpdyConnection(duplexOverSocket(far), (stream) => streams.push(stream))
})
afterEach(() => {
  client.destroy()
  connection.destroy()
  server.close()
})

async function openStream(headers: Record<string, string> = {}): Promise<{ id: number; stream: SpdyStream }> {
  const id = client.open(headers)
  await eventually(() => expect(streams.map((stream) => stream.id)).toContain(id))
  return { id, stream: streams.find((stream) => stream.id === id) as SpdyStream }
}

describe('a stream', () => {
  it('has the headers that it was opened with, and is answered', async () => {
    const { id, stream } = await openStream({ streamtype: 'data', port: '80' })
    expect({ ...stream.headers }).toEqual({ streamtype: 'data', port: '80' })
    await eventually(() => expect(client.replied).toContain(id))
  })

  it('ends in halves', async () => {
    const { id, stream } = await openStream()
    client.send(id, 'question', true)
    let text = ''
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) text += chunk
    expect(text).toBe('question')
    stream.end('answer')
    await eventually(() => expect(client.ended).toContain(id))
    expect(client.textOf(id)).toBe('answer')
    expect(client.reset.size).toBe(0)
  })

  it('that is destroyed is reset, and one that the client resets is destroyed', async () => {
    const first = await openStream()
    first.stream.destroy()
    await eventually(() => expect(client.reset.get(first.id)).toBe(5))
    const second = await openStream()
    client.resetStream(second.id)
    await eventually(() => expect(second.stream.destroyed).toBe(true))
  })

  it('that nobody reads holds up the client, in bounds', async () => {
    const { id, stream } = await openStream()
    let sent = 0
    const chunk = Buffer.alloc(64 * 1024)
    while (client.send(id, chunk) || sent < 64 * 1024 * 1024) sent += chunk.length
    await eventually(() => expect(stream.readableLength).toBeGreaterThan(200_000))
    expect(stream.readableLength).toBeLessThan(1024 * 1024)
    client.send(id, '', true)
    let received = 0
    for await (const part of stream.iterator({ destroyOnReturn: false })) received += part.length
    expect(received).toBeGreaterThanOrEqual(sent)
  })
})

describe('the connection', () => {
  it('answers pings of the client, and not its own that come back', async () => {
    client.ping(2)
    client.ping(1)
    await eventually(() => expect(client.pongs).toEqual([1]))
  })

  it.each<[string, () => void]>([
    ['a frame of another version', () => client.sendRaw(Buffer.from('8002000100000000', 'hex'))],
    ['a control frame longer than any', () => client.sendRaw(Buffer.from('8003000100ffffff', 'hex'))],
    ['HTTP', () => client.sendRaw(Buffer.from('\x80GET / HTTP/1.1\r\n\r\n', 'latin1'))],
    [
      'a header block that is none',
      () => client.sendRaw(controlFrame(frameTypes.synStream, Buffer.concat([words(1, 0), Buffer.alloc(2), Buffer.from('nonsense')]))),
    ],
    [
      'a stream number that was there',
      () => {
        client.open({})
        client.sendRaw(controlFrame(frameTypes.synStream, Buffer.concat([words(1, 0), Buffer.alloc(2), new HeaderWriter().write({})])))
      },
    ],
  ])('ends at %s', async (_case, send) => {
    send()
    await eventually(() => expect(client.closed).toBe(true))
  })

  it('fails its streams when it is cut', async () => {
    const { stream } = await openStream()
    client.destroy()
    await eventually(() => expect(stream.destroyed).toBe(true))
  })

  it('refuses more streams than it carries, and goes on', async () => {
    for (let count = 0; count < 1030; count++) client.open({})
    await eventually(() => expect([...client.reset.values()]).toEqual([3, 3, 3, 3, 3, 3]))
    expect(streams).toHaveLength(1024)
  })
})

describe('header blocks', () => {
  it('that a compressor wrote with the dictionary are read one after the other', async () => {
    const { default: dictionaries } = (await import('spdy-transport/lib/spdy-transport/protocol/spdy/dictionary.js' as string)) as {
      default: Record<string, Buffer>
    }
    const deflate = createDeflate({ dictionary: dictionaries['3'] as Buffer, flush: constants.Z_SYNC_FLUSH })
    const reader = new HeaderReader()
    for (const value of ['error', 'data', 'error']) {
      const pairs = [words(1), words(10), Buffer.from('StreamType'), words(value.length), Buffer.from(value)]
      await new Promise((resolve) => deflate.write(Buffer.concat(pairs), resolve))
      expect({ ...(await reader.read(deflate.read() as Buffer)) }).toEqual({ streamtype: value })
    }
  })

  it('that would become too long are refused', async () => {
    const deflate = createDeflate({ flush: constants.Z_SYNC_FLUSH })
    await new Promise((resolve) => deflate.write(Buffer.alloc(10_000_000), resolve))
    await expect(new HeaderReader().read(deflate.read() as Buffer)).rejects.toThrow()
  })
})
