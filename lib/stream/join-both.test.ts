import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { finished } from 'node:stream/promises'
import tls, { type TLSSocket } from 'node:tls'
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { eventually } from '../testing/eventually.js'
import { selfSigned, type TlsFiles } from './fixtures/loopback.js'
import { joinBoth } from './join-both.js'
import { readShared } from './read-shared.js'
import { RelayDuplex } from './relay-duplex.js'
import { assertWhole } from './tcp-end.js'

let files: TlsFiles
let closing: (() => void)[]
/** Of the last connection: the near relay's end, what the far relay reads of TLS, and the target's own end. */
let outer: Socket
let inner: TLSSocket
let atTarget: Socket

beforeAll(async () => {
  files = await selfSigned()
})
beforeEach(() => {
  closing = []
})
afterEach(() => {
  for (const close of closing.reverse()) close()
})

async function listen(server: net.Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  server.on('connection', (socket: Socket) => closing.push(() => socket.destroy()))
  closing.push(() => server.close())
  return (server.address() as AddressInfo).port
}

const connect = (port: number) => {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  closing.push(() => socket.destroy())
  return socket
}

/** As a Tunnel has them: a client, a relay, TLS, another relay, a target. Resolves with the port of clients. */
async function startRelays(serve: (socket: Socket) => void): Promise<number> {
  const target = await listen(
    net.createServer({ allowHalfOpen: true }, (socket) => {
      atTarget = socket
      serve(socket)
    }),
  )
  const far = await listen(
    tls.createServer({ cert: files.cert, key: files.key, allowHalfOpen: true }, (socket) => {
      inner = socket
      void joinBoth(new RelayDuplex(socket), connect(target))
    }),
  )
  return listen(
    net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      outer = socket
      const between = tls.connect({ port: far, host: '127.0.0.1', ca: files.ca, ...{ allowHalfOpen: true } })
      between.once('secureConnect', () => void joinBoth(socket, new RelayDuplex(between)))
    }),
  )
}

it('carries bytes both ways whole, in pieces of any size, and without a Buffer for each read', async () => {
  const port = await startRelays((socket) => socket.pipe(socket))
  const sent = randomBytes(3 * 1024 * 1024)
  const client = connect(port)
  const back = buffer(client)
  let chunks = 0
  for (let at = 0, size = 1; at < sent.length; at += size, size = (size * 7) % 200_003) {
    if (!client.write(sent.subarray(at, at + size))) await once(client, 'drain')
    if (at === 0) {
      await eventually(() => expect(client.bytesRead).toBe(1))
      inner.on('data', () => chunks++)
    }
  }
  client.end()
  expect((await back).equals(sent)).toBe(true)
  expect(chunks).toBe(0)
})

it('passes on what has come before the two were joined', async () => {
  const port = await listen(net.createServer({ allowHalfOpen: true }, (socket) => void socket.end('early')))
  const early = connect(port)
  await eventually(() => expect(early.readableLength).toBe(5))
  const heard = new Promise<Buffer>((resolve) => {
    void listen(net.createServer({ allowHalfOpen: true }, (socket) => void buffer(socket).then(resolve))).then((sink) => {
      void joinBoth(new RelayDuplex(early, { head: Buffer.from('first, ') }), connect(sink))
    })
  })
  expect(String(await heard)).toBe('first, early')
})

it('holds a writer back while nobody reads, and another one goes on with bytes of its own', async () => {
  const port = await startRelays((socket) => {
    socket.once('data', (first) => {
      if (String(first) !== 'all') return void socket.end(Buffer.alloc(1024 * 1024, first))
      const write = () => {
        while (socket.write(Buffer.alloc(256 * 1024, 'x')));
        socket.once('drain', write)
      }
      write()
    })
  })
  const stalled = connect(port)
  stalled.write('all')
  stalled.pause()
  let [held, sameAgain] = [0, 0]
  const waiting = () => Math.max(...[outer, inner].map((relay) => relay?.writableLength ?? 0))
  await eventually(() => {
    const before = held
    held = atTarget?.bytesWritten ?? 0
    sameAgain = held > 0 && held === before ? sameAgain + 1 : 0
    expect(sameAgain > 5 || waiting() > 1024 * 1024).toBe(true)
  })
  expect(waiting()).toBeLessThan(1024 * 1024)
  for (const letter of ['a', 'b']) {
    const client = connect(port)
    client.write(letter)
    expect((await buffer(client)).equals(Buffer.alloc(1024 * 1024, letter))).toBe(true)
  }
  stalled.resume()
  stalled.on('data', (chunk: Buffer) => expect(chunk.every((byte) => byte === 'x'.charCodeAt(0))).toBe(true))
  await eventually(() => expect(stalled.bytesRead).toBeGreaterThan(held))
})

/** How one end of a connection sees the other's. */
const endSeenBy = (socket: Socket): Promise<'whole' | 'broken'> =>
  finished(socket.resume(), { writable: false })
    .then(() => assertWhole(socket))
    .then(
      () => 'whole',
      () => 'broken',
    )

/** One relay and nothing else. Resolves with the port of clients. */
async function startRelay(serve: (socket: Socket) => void): Promise<number> {
  const target = await listen(net.createServer({ allowHalfOpen: true }, serve))
  return listen(net.createServer({ allowHalfOpen: true }, (socket) => void joinBoth(socket, connect(target))))
}

it('a client that breaks off in the middle is no end for the target', async () => {
  const seen = new Promise<string>((resolve, reject) => {
    const serve = (target: Socket) => {
      target.once('data', () => client.resetAndDestroy())
      endSeenBy(target).then(resolve, reject)
    }
    const client = new net.Socket({ allowHalfOpen: true })
    startRelay(serve).then((port) => client.connect(port, '127.0.0.1').write('half'), reject)
  })
  expect(await seen).toBe('broken')
})

it('a target that breaks off right behind its bytes is no end for the client, each time of many', async () => {
  const port = await startRelay((target) => {
    target.on('error', () => {})
    target.once('data', () => {
      // Both are with the relay before it looks.
      target.write('half')
      target.resetAndDestroy()
    })
  })
  const seen = await Promise.all(
    Array.from({ length: 20 }, () => {
      const client = connect(port)
      client.write('ask')
      return endSeenBy(client)
    }),
  )
  expect(new Set(seen)).toEqual(new Set(['broken']))
})

it.each(['bytes that wait in it', 'no connection'])('a socket with %s is not read so', async (what) => {
  const port = await listen(net.createServer((socket) => void socket.write('waiting')))
  const socket = connect(port)
  await eventually(() => expect(socket.readableLength).toBe(7))
  if (what === 'no connection') {
    socket.read()
    socket.destroy()
  }
  expect(readShared(socket, () => true)).toBe(false)
})
