import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../testing/eventually.js'
import { DatagramPeers, type DatagramPeersOptions } from './datagram-peers.js'
import { DatagramDuplex, frameDatagram, splitDatagrams } from './datagrams.js'

const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close()
})

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4')
  sockets.push(socket)
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

describe('framed datagrams', () => {
  it.each([1, 2, 3, 7, 100_000])('come out as they went in, in pieces of %i bytes', (size) => {
    const datagrams = ['', 'a', 'bc', 'x'.repeat(size > 100 ? 65_535 : 2_000), 'end'].map((text) => Buffer.from(text))
    const bytes = Buffer.concat(datagrams.map(frameDatagram))
    const seen: Buffer[] = []
    const duplex = new DatagramDuplex({
      send(datagram, done) {
        seen.push(Buffer.from(datagram))
        done()
      },
      close() {},
    })
    for (let at = 0; at < bytes.length; at += size) duplex.write(bytes.subarray(at, at + size))
    expect(seen).toEqual(datagrams)
    expect(duplex.counts).toMatchObject({ sent: 5, received: 0, dropped: 0 })
  })

  it('a half of one is kept for the rest', () => {
    expect(splitDatagrams(Buffer.from([0, 1, 7, 0, 2, 8]))).toEqual({ datagrams: [Buffer.from([7])], rest: Buffer.from([0, 2, 8]) })
  })
})

describe('a port as a stream', () => {
  it('drops and counts what nobody reads, and holds no more than its bound', () => {
    const duplex = new DatagramDuplex({ send: (_datagram, done) => done(), close() {} })
    for (let n = 0; n < 10_000; n++) duplex.receive(Buffer.alloc(1_000))
    expect(duplex.readableLength).toBeLessThanOrEqual(256 * 1024)
    expect(duplex.counts.received).toBe(Math.floor((256 * 1024) / 1_002))
    expect(duplex.counts.received + duplex.counts.dropped).toBe(10_000)
  })

  it('counts what could not be sent, and sends the next', async () => {
    let failing = true
    const duplex = new DatagramDuplex({ send: (_datagram, done) => done(failing ? new Error('refused') : null), close() {} })
    duplex.write(frameDatagram(Buffer.from('lost')))
    failing = false
    duplex.write(frameDatagram(Buffer.from('kept')))
    expect(duplex.counts).toMatchObject({ sent: 1, received: 0, dropped: 1 })
  })

  it('closes its port when the other side ends, or is destroyed', async () => {
    for (const end of [(duplex: Duplex) => duplex.end(), (duplex: Duplex) => duplex.destroy()]) {
      let closed = 0
      const duplex = new DatagramDuplex({ send: (_datagram, done) => done(), close: () => closed++ })
      duplex.resume()
      end(duplex)
      await once(duplex, 'close')
      expect(closed).toBe(1)
    }
  })
})

describe('peers of a socket', () => {
  /** Says back what each peer says, with the number of the stream that carried it. */
  async function echo(options: Partial<DatagramPeersOptions> = {}) {
    const socket = await bound()
    let streams = 0
    const peers = new DatagramPeers({
      socket,
      async carry(peer) {
        const number = String(streams++)
        for await (const chunk of peer)
          for (const datagram of splitDatagrams(chunk).datagrams) peer.write(frameDatagram(Buffer.from(`${number}:${datagram}`)))
      },
      ...options,
    })
    const ask = async (from: Socket, text: string) => {
      from.send(text, socket.address().port, '127.0.0.1')
      const [answer] = await once(from, 'message')
      return String(answer)
    }
    return { peers, ask, port: socket.address().port }
  }

  it('have a stream each, and get their own answers', async () => {
    const { peers, ask } = await echo()
    const [a, b] = [await bound(), await bound()]
    expect(await ask(a, 'x')).toBe('0:x')
    expect(await ask(b, 'x')).toBe('1:x')
    expect(await ask(a, 'y')).toBe('0:y')
    expect(peers.size).toBe(2)
    expect(peers.counts).toMatchObject({ sent: 3, received: 3, dropped: 0 })
    peers.endAll()
    await eventually(() => expect(peers.size).toBe(0))
    expect(peers.counts).toMatchObject({ sent: 3, received: 3, dropped: 0 })
    expect(await ask(a, 'z')).toBe('2:z')
    peers.endAll()
  })

  it('that are silent are forgotten', async () => {
    const { peers, ask } = await echo({ idleMs: 40 })
    await ask(await bound(), 'x')
    await eventually(() => expect(peers.size).toBe(0))
  })

  it('beyond the most that there may be are not answered, and counted', async () => {
    const { peers, ask, port } = await echo({ maxPeers: 1 })
    await ask(await bound(), 'x')
    const other = await bound()
    other.send('x', port, '127.0.0.1')
    await eventually(() => expect(peers.counts.dropped).toBe(1))
    peers.endAll()
  })

  it('whose stream cannot be opened are tried again with their next datagram', async () => {
    let tries = 0
    const { peers, port } = await echo({
      carry: async () => {
        tries++
        throw new Error('no target')
      },
    })
    const peer = await bound()
    await eventually(() => {
      peer.send('x', port, '127.0.0.1')
      return tries > 2
    })
    await eventually(() => expect(peers.size).toBe(0))
  })
})
