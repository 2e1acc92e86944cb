import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { ClientHttp2Session, ServerHttp2Stream } from 'node:http2'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../testing/eventually.js'
import { dialNodeStreams } from './dial-node-streams.js'
import { duplexOverSocket } from './duplex-over-socket.js'
import { selfSigned, type TlsFiles, UpgradeServer, Wire } from './fixtures/loopback.js'
import { createNodeConnections, type NodeConnections } from './node-connections.js'
import { ask, askingSession, type NodeRequestHandler } from './node-session.js'
import { StreamError } from './stream-error.js'

const mebibyte = 1024 * 1024
let tls: TlsFiles
let server: UpgradeServer
let wire: Wire
let session: ClientHttp2Session
let abort: AbortController
let dialling: Promise<void>
let answer: NodeRequestHandler

beforeAll(async () => {
  tls = await selfSigned()
})
beforeEach(async () => {
  server = await UpgradeServer.listen(tls)
  wire = await Wire.to(server.port)
  abort = new AbortController()
  const upgraded = server.next()
  dialling = dialNodeStreams({
    server: `https://127.0.0.1:${wire.port}`,
    path: '/streams/n1',
    tls: () => tls,
    onRequest: (request, stream) => answer(request, stream),
    signal: abort.signal,
  })
  const { socket, head } = await upgraded
  session = askingSession(duplexOverSocket(socket, head))
  session.on('error', () => {})
})
afterEach(async () => {
  abort.abort()
  session.destroy()
  await dialling
  await wire.close()
  await server.close()
})

async function readAll(stream: Readable): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += chunk
  return text
}

/** `size` bytes in pieces, and their hash. */
function pieces(size: number) {
  const hash = createHash('sha256')
  const piece = Buffer.alloc(64 * 1024, 'millrace')
  const source = Readable.from(
    (function* () {
      for (let sent = 0; sent < size; sent += piece.length) {
        hash.update(piece)
        yield piece
      }
    })(),
  )
  return { source, digest: () => hash.digest('hex') }
}

/** Resolves when the stream takes more, or has closed. */
function roomOrClose(stream: ServerHttp2Stream): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off('drain', done).off('close', done)
      resolve()
    }
    stream.once('drain', done).once('close', done)
  })
}

describe('a request over the connection of a node', () => {
  it('is seen with its method, path and headers, and its answer with status and headers', async () => {
    answer = ({ method, path, headers }, stream) => {
      stream.respond({ ':status': 404, 'x-why': 'gone' })
      stream.end(`${method} ${path} ${headers['x-id']}`)
    }
    const { status, headers, stream } = await ask(session, { path: '/logs/a/b?follow=true', headers: { 'x-id': '7' } })
    expect(status).toBe(404)
    expect(headers['x-why']).toBe('gone')
    expect(await readAll(stream)).toBe('GET /logs/a/b?follow=true 7')
  })

  it('carries 100 MiB unchanged', async () => {
    const sent = pieces(100 * mebibyte)
    answer = async (_request, stream) => {
      stream.respond({ ':status': 200 })
      await pipeline(sent.source, stream)
    }
    const received = createHash('sha256')
    const { stream } = await ask(session, { path: '/' })
    let bytes = 0
    for await (const chunk of stream) {
      bytes += chunk.length
      received.update(chunk)
    }
    expect(bytes).toBe(100 * mebibyte)
    expect(received.digest('hex')).toBe(sent.digest())
  })

  it('that is longer than the wire takes is refused by itself: the connection carries those of others', async () => {
    answer = ({ bytes }, stream) => {
      stream.respond({ ':status': 200 })
      bytes.pipe(bytes)
    }
    const { stream: present } = await ask(session, { path: '/', writes: true })
    for (const bytes of [66_000, 60_000, 1_000_000])
      await expect(ask(session, { path: `/${'x'.repeat(bytes)}` })).rejects.toThrow('the request is longer than 49152 bytes')
    expect((await ask(session, { path: `/${'x'.repeat(49_000)}` })).status).toBe(200)
    present.end('still here')
    expect(await readAll(present)).toBe('still here')
  })

  it('carries bytes both ways, and one half closes before the other', async () => {
    answer = async (_request, stream) => {
      stream.respond({ ':status': 200 })
      stream.write('ready ')
      stream.end(`after ${await readAll(stream)}`)
    }
    const { stream } = await ask(session, { method: 'POST', path: '/exec', writes: true })
    await once(stream, 'readable')
    expect(String(stream.read())).toBe('ready ')
    stream.end('input')
    expect(await readAll(stream)).toBe('after input')
  })

  it('holds its writer back when it stalls, and does not delay another', async () => {
    let written = 0
    answer = async ({ path }, stream) => {
      stream.respond({ ':status': 200 })
      if (path === '/quick') return void stream.end('quick')
      const chunk = Buffer.alloc(64 * 1024)
      while (!stream.destroyed) {
        written += chunk.length
        if (!stream.write(chunk)) await roomOrClose(stream)
      }
    }
    const stalled = await Promise.all(Array.from({ length: 50 }, () => ask(session, { path: '/stalled' })))
    let before = -1
    await eventually(
      () => {
        const settled = written === before
        before = written
        return settled && written > 0
      },
      { intervalMs: 100 },
    )
    expect(written).toBeLessThan(50 * 2 * mebibyte)
    for (let turn = 0; turn < 20; turn++) {
      const { stream } = await ask(session, { path: '/quick', timeoutMs: 60_000 })
      expect(await readAll(stream)).toBe('quick')
    }
    for (const { stream } of stalled) stream.destroy()
  })

  it('tells the agent to stop when the reader goes away', async () => {
    const closed = new Promise<void>((resolve) => {
      answer = (_request, stream) => {
        stream.respond({ ':status': 200 })
        stream.write('first')
        stream.once('close', resolve)
      }
    })
    const { stream } = await ask(session, { path: '/' })
    stream.destroy()
    await closed
  })

  it('tells the agent to stop when the caller aborts, before and after the head', async () => {
    const arrived: string[] = []
    const closed: string[] = []
    answer = ({ path }, stream) => {
      arrived.push(path)
      if (path === '/after') stream.respond({ ':status': 200 })
      stream.once('close', () => closed.push(path))
    }
    const before = new AbortController()
    const pending = ask(session, { path: '/before', signal: before.signal })
    await eventually(() => arrived.length === 1)
    before.abort(new Error('enough'))
    await expect(pending).rejects.toThrow('enough')
    const after = new AbortController()
    const { stream } = await ask(session, { path: '/after', signal: after.signal })
    const failed = readAll(stream)
    after.abort(new Error('enough'))
    await expect(failed).rejects.toThrow('enough')
    await eventually(() => closed.length === 2)
  })

  it.each<[string, (stream: ServerHttp2Stream) => void]>([
    ['the wire is cut', () => wire.cut()],
    ['the agent fails', (stream) => stream.destroy(new Error('disk'))],
    ['the agent goes away', () => abort.abort()],
  ])('fails, and is not just short, when %s', async (_case, end) => {
    let agentStream: ServerHttp2Stream | undefined
    answer = (_request, stream) => {
      agentStream = stream
      stream.respond({ ':status': 200 })
      stream.write('half of it')
    }
    const { stream } = await ask(session, { path: '/' })
    await once(stream, 'readable')
    if (agentStream) end(agentStream)
    await expect(readAll(stream)).rejects.toThrow()
  })

  it('fails when the wire is cut before the head', async () => {
    answer = () => wire.cut()
    await expect(ask(session, { path: '/' })).rejects.toThrow(StreamError)
    await expect(ask(session, { path: '/' })).rejects.toThrow('the connection of the node is closed')
  })

  it('fails when the agent does not answer', async () => {
    answer = () => {}
    await expect(ask(session, { path: '/', timeoutMs: 50 })).rejects.toThrow('the node has not answered for 50 ms')
  })

  it('is 500 when the agent throws before it answered, and fails when it throws later', async () => {
    answer = async ({ path }, stream) => {
      if (path === '/later') stream.respond({ ':status': 200 })
      throw new Error('a secret of the node')
    }
    const refused = await ask(session, { path: '/' })
    expect([refused.status, await readAll(refused.stream)]).toEqual([500, ''])
    const { stream } = await ask(session, { path: '/later' })
    await expect(readAll(stream)).rejects.toThrow('NGHTTP2_INTERNAL_ERROR')
  })
})

it.each([
  ['the next ping would go', 20, () => {}],
  ['its server ends all', 3_600_000, (nodes: NodeConnections) => nodes.close()],
])('a connection that another has replaced ends when %s, though its agent keeps it', async (_case, intervalMs, end) => {
  const listener = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const near = connect((listener.address() as AddressInfo).port, '127.0.0.1')
  const [far] = (await once(listener, 'connection')) as [Socket]
  const closed = once(near, 'close')
  const nodes = createNodeConnections({ keepAlive: { intervalMs } })
  nodes.add('n1', duplexOverSocket(near))
  await once(far.resume(), 'data')
  const ended = once(far, 'end')
  nodes.add('n1', new PassThrough())
  await ended
  end(nodes)
  await closed
  nodes.close()
  far.destroy()
  listener.close()
})
