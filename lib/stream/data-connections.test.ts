import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import https from 'node:https'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../testing/eventually.js'
import { acceptNodeConnection } from './accept-node-connection.js'
import { readDataOffer } from './data-connection.js'
import { DataPool } from './data-pool.js'
import { dialNodeStreams } from './dial-node-streams.js'
import { selfSigned, type TlsFiles } from './fixtures/loopback.js'
import { joinBoth } from './join-both.js'
import { createNodeConnections, type NodeConnections } from './node-connections.js'
import type { NodeRequestHandler } from './node-session.js'

let tls: TlsFiles
let server: https.Server
let nodes: NodeConnections
let answer: NodeRequestHandler
let stopping: AbortController
let dialling: Promise<void>
/** The server's ends of data connections, in the order in which they came. */
let data: Socket[]

beforeAll(async () => {
  tls = await selfSigned()
})
beforeEach(async () => {
  nodes = createNodeConnections({ streams: 40 })
  data = []
  server = https.createServer({ cert: tls.cert, key: tls.key, allowHalfOpen: true })
  server.on('upgrade', (request, socket: Socket, head) => {
    const offer = readDataOffer(request)
    if (offer) {
      data.push(socket)
      if (!nodes.dataOf('n1', offer.key)?.add(offer.id, socket)) socket.destroy()
      return
    }
    const pool = new DataPool()
    nodes.add('n1', acceptNodeConnection(socket, head, pool.key), pool)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stopping = new AbortController()
  dialling = dialNodeStreams({
    server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    path: '/streams/n1',
    tls: () => tls,
    onRequest: (request, stream) => answer(request, stream),
    backoff: { initialMs: 1, maxMs: 5 },
    signal: stopping.signal,
  })
  await eventually(() => nodes.isConnected('n1'))
})
afterEach(async () => {
  stopping.abort()
  await dialling
  nodes.close()
  for (const socket of data) socket.destroy()
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

/** Says back what it hears. */
const echo: NodeRequestHandler = ({ bytes }, stream) => {
  stream.respond({ ':status': 200 })
  bytes.pipe(bytes)
}

const open = async (): Promise<Duplex> => (await nodes.open('n1', { path: '/' })).stream

/** A stream that has always more. */
function endless(): Duplex {
  const chunk = Buffer.alloc(64 * 1024)
  return new Duplex({
    read() {
      this.push(chunk)
    },
    write: (_chunk, _encoding, done) => done(),
  })
}

/** The two ends of one stream. */
async function bothEnds(): Promise<{ near: Duplex; far: Duplex; socket: Socket }> {
  const ends = new Promise<Duplex>((resolve) => {
    answer = ({ bytes }, stream) => {
      stream.respond({ ':status': 200 })
      resolve(bytes)
    }
  })
  await eventually(() => data.length > 0)
  const near = await open()
  return { near, far: await ends, socket: data[0] ?? expect.fail() }
}

describe('bytes over a data connection', () => {
  it('come whole, each half to its own end', async () => {
    answer = echo
    const sent = randomBytes(4 * 1024 * 1024)
    const stream = await open()
    stream.end(sent)
    expect((await buffer(stream)).equals(sent)).toBe(true)
  })

  it.each(['near', 'far'] as const)('may be ended by the %s side first, and the other still answers', async (first) => {
    const { near, far } = await bothEnds()
    const [asking, answering] = first === 'near' ? [near, far] : [far, near]
    asking.end('question')
    expect(await text(answering.iterator({ destroyOnReturn: false }))).toBe('question')
    answering.end('answer')
    expect(await text(asking)).toBe('answer')
    await eventually(() => expect([near.destroyed, far.destroyed]).toEqual([true, true]))
  })

  it('do not travel over the stream that asked for them', async () => {
    answer = echo
    const stream = await open()
    const [socket] = data
    stream.end(randomBytes(100_000))
    await buffer(stream)
    expect(socket?.bytesRead).toBeGreaterThan(100_000)
  })

  it('wait for nobody: many at once have one each', async () => {
    answer = echo
    const texts = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        const stream = await open()
        stream.end(String(n))
        return await text(stream)
      }),
    )
    expect(texts).toEqual(Array.from({ length: 20 }, (_, n) => String(n)))
  })

  it('come whole also when their own end is still to be sent: many at once, again and again', async () => {
    answer = echo
    for (let round = 0; round < 4; round++) {
      const streams = await Promise.all(Array.from({ length: 20 }, open))
      const texts = await Promise.all(streams.map((stream, n) => text(stream.end(String(n)))))
      expect(texts).toEqual(streams.map((_stream, n) => String(n)))
    }
  })

  it('of one namespace leave room for those of others, and give their places back', async () => {
    answer = echo
    const openFor = async (namespace: string) => (await nodes.open('n1', { path: '/', namespace })).stream
    const held = await Promise.all(Array.from({ length: 20 }, () => openFor('crowd')))
    await expect(openFor('crowd')).rejects.toThrow(
      'namespace "crowd" has 20 sessions and connections to node "n1" open, which is its share',
    )
    expect(await text((await openFor('other')).end('said'))).toBe('said')
    held[0]?.destroy()
    await eventually(async () => expect(await text((await openFor('crowd')).end('again'))).toBe('again'))
  })

  it('go on while another one is not read', async () => {
    answer = ({ bytes }, stream) => {
      stream.respond({ ':status': 200 })
      void joinBoth(bytes, endless())
    }
    await open()
    answer = echo
    const stream = await open()
    stream.end('heard')
    expect(await text(stream)).toBe('heard')
  })
})

it.each([
  { inUse: 1, ahead: 2 },
  { inUse: 5, ahead: 5 },
  { inUse: 10, ahead: 8 },
])('$ahead are dialled ahead when $inUse have been in use at once', async ({ inUse, ahead }) => {
  answer = echo
  for (let count = 0; count < inUse; count++) await open()
  await eventually(() => expect(data.length).toBe(inUse + ahead))
})

describe('what ends early is an error, never a short success', () => {
  it('the data connection ends without the stream that asked for it', async () => {
    const { near, far, socket } = await bothEnds()
    far.write('half')
    await once(near, 'readable')
    // As the kernel does for a process that was killed.
    socket.end()
    socket.push(null)
    far.resume()
    await new Promise((resolve) => far.once('close', resolve))
    expect(far.readableEnded).toBe(false)
  })

  it.each(['near', 'far'] as const)('the %s side gives up', async (which) => {
    const { near, far } = await bothEnds()
    const [leaving, staying] = which === 'near' ? [near, far] : [far, near]
    const failed = new Promise((resolve) => staying.once('close', resolve))
    staying.resume()
    leaving.destroy()
    await failed
    expect(staying.readableEnded).toBe(false)
    expect(staying.errored).toBeInstanceOf(Error)
  })

  it('the connection of the node is cut', async () => {
    const { near, far } = await bothEnds()
    nodes.end('n1')
    for (const end of [near, far]) {
      end.resume()
      await eventually(() => expect(end.errored).toBeInstanceOf(Error))
    }
  })
})

it('a refusal comes in words, and takes nothing from the next one', async () => {
  answer = (_request, stream) => {
    stream.respond({ ':status': 400 })
    stream.end('nothing listens')
  }
  const refused = await nodes.open('n1', { path: '/' })
  expect(refused.status).toBe(400)
  expect(await text(refused.stream)).toBe('nothing listens')
  await eventually(() => expect(data.filter(({ destroyed }) => destroyed)).toHaveLength(1))
  answer = echo
  const stream = await open()
  stream.end('said')
  expect(await text(stream)).toBe('said')
})

it('those that wait end with the connection that they belong to', async () => {
  await eventually(() => expect(data).toHaveLength(2))
  nodes.end('n1')
  await eventually(() => expect(data.slice(0, 2).map(({ destroyed }) => destroyed)).toEqual([true, true]))
})

it('one that breaks while it waits is followed by another', async () => {
  await eventually(() => expect(data).toHaveLength(2))
  for (const socket of data) socket.destroy()
  await eventually(() => expect(data.length).toBeGreaterThanOrEqual(4))
  answer = echo
  const stream = await open()
  stream.end('said')
  expect(await text(stream)).toBe('said')
})

describe('a data connection that nobody uses yet', () => {
  /** Both ends of one. */
  async function ends(): Promise<{ near: Socket; far: Socket }> {
    const listener = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const far = connect({ port: (listener.address() as AddressInfo).port, host: '127.0.0.1' })
    const [near] = (await once(listener, 'connection')) as [Socket]
    listener.close()
    data.push(near, far)
    far.on('error', () => {}).resume()
    return { near, far }
  }

  it('is one of its number, and one of sixteen', async () => {
    const pool = new DataPool()
    const add = async (id: string) => pool.add(id, (await ends()).near)
    expect(await add('0')).toBe(true)
    expect(await add('0')).toBe(false)
    for (let id = 1; id < 16; id++) expect(await add(String(id))).toBe(true)
    expect(await add('16')).toBe(false)
    expect((await pool.take()).id).toBe('0')
    expect(await add('16')).toBe(true)
    pool.close()
    expect(await add('17')).toBe(false)
  })

  it.each<[string, (end: { near: Socket; far: Socket }, pool: DataPool) => unknown]>([
    ['says something', ({ far }) => far.write('x')],
    ['ends its half', ({ far }) => far.end()],
    ['breaks', ({ far }) => far.resetAndDestroy()],
    ['belongs to what has ended', (_ends, pool) => pool.close()],
  ])('is kept no longer when it %s', async (_case, happens) => {
    const pool = new DataPool()
    const both = await ends()
    pool.add('0', both.near)
    happens(both, pool)
    await eventually(() => expect(both.near.destroyed).toBe(true))
    const taking = pool.take()
    pool.close()
    await expect(taking).rejects.toThrow('the connection of the node')
  })

  it('ends with the connection of its node, whatever the node does', async () => {
    const [pool, { near }] = [new DataPool(), await ends()]
    pool.add('0', near)
    nodes.add('n2', new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() }), pool)
    expect(nodes.dataOf('n2', pool.key)).toBe(pool)
    expect(nodes.dataOf('n2', 'guessed')).toBeUndefined()
    expect(nodes.dataOf('n1', pool.key)).toBeUndefined()
    nodes.end('n2')
    await eventually(() => expect(near.destroyed).toBe(true))
  })

  it('carries what is said once it is used', async () => {
    const pool = new DataPool()
    const { near, far } = await ends()
    pool.add('0', near)
    const { socket } = await pool.take()
    far.write('said')
    const [bytes] = await once(socket.resume(), 'data')
    expect(String(bytes)).toBe('said')
    pool.close()
    expect(socket.destroyed).toBe(false)
  })
})

it('whoever has given up waiting for one is told why', async () => {
  const pool = new DataPool()
  const waiting = new AbortController()
  const taking = pool.take(waiting.signal)
  waiting.abort(new Error('the client went away'))
  await expect(taking).rejects.toThrow('the client went away')
  const late = pool.take()
  pool.close()
  await expect(late).rejects.toThrow('the connection of the node was cut before it dialled one for data')
  await expect(pool.take()).rejects.toThrow('the connection of the node is closed')
})
