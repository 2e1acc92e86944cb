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

async function bound(address = '127.0.0.1'): Promise<Socket> {
  const socket = createSocket('udp4')
  sockets.push(socket)
  socket.bind(0, address)
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

  it('of one address have a share, so that others find a place', async () => {
    const { peers, ask, port } = await echo({ maxPeers: 3, maxPeersPerAddress: 2 })
    for (const peer of [await bound(), await bound()]) await ask(peer, 'x')
    const third = await bound()
    third.send('x', port, '127.0.0.1')
    await eventually(() => expect(peers.counts.dropped).toBe(1))
    expect(await ask(await bound('127.0.0.2'), 'x')).toBe('2:x')
    expect(peers.size).toBe(3)
    peers.endAll()
  })

  it('give their place to a newcomer unless they have spoken again after an answer', async () => {
    const refused: string[] = []
    const { peers, ask, port } = await echo({ maxPeers: 2, heldMs: 0, onRefused: (why) => refused.push(why) })
    const [talker, silent, next, stranger] = [await bound(), await bound(), await bound(), await bound()]
    await ask(talker, 'x')
    await ask(talker, 'y')
    await ask(silent, 'x')
    expect(await ask(next, 'x')).toBe('2:x')
    expect(await ask(talker, 'z')).toBe('0:z')
    await ask(next, 'y')
    stranger.send('x', port, '127.0.0.1')
    await eventually(() => expect(refused).toEqual(['all']))
    expect(peers.size).toBe(2)
    peers.endAll()
  })

  it('without a port are not carried: they cannot be answered', async () => {
    const socket = await bound()
    const peers = new DatagramPeers({
      socket,
      carry: async (peer) => {
        for await (const _datagram of peer) peer.write(frameDatagram(Buffer.from('answer')))
      },
    })
    socket.emit('message', Buffer.from('x'), { address: '127.0.0.1', family: 'IPv4', port: 0, size: 1 })
    expect([peers.size, peers.counts]).toMatchObject([0, { received: 0, dropped: 1 }])
  })

  it('that spoke twice and were never answered have not proven themselves', async () => {
    const { peers, ask, port } = await echo({
      maxPeers: 1,
      heldMs: 0,
      async carry(peer) {
        for await (const chunk of peer) if (chunk.includes('?')) peer.write(frameDatagram(Buffer.from('!')))
      },
    })
    const telling = await bound()
    for (const text of ['so', 'it is']) telling.send(text, port, '127.0.0.1')
    await eventually(() => expect(peers.counts.received).toBe(2))
    expect(await ask(await bound(), 'well?')).toBe('!')
    peers.endAll()
  })

  it('that were never answered are forgotten sooner', async () => {
    const { peers, ask, port } = await echo({
      idleMs: 60_000,
      unansweredIdleMs: 40,
      async carry(peer) {
        for await (const chunk of peer) if (chunk.includes('?')) peer.write(frameDatagram(Buffer.from('!')))
      },
    })
    const [asking, telling] = [await bound(), await bound()]
    await ask(asking, 'well?')
    telling.send('so it is', port, '127.0.0.1')
    await eventually(() => expect(peers.counts.received).toBe(2))
    await eventually(() => expect(peers.size).toBe(1))
    expect(await ask(asking, 'still there?')).toBe('!')
    peers.endAll()
  })

  it('hear little more than they say until they have spoken again: an address may be forged', async () => {
    const { peers, port } = await echo({
      strangersHear: { bytes: 500, times: 3 },
      async carry(peer) {
        for await (const chunk of peer)
          for (const datagram of splitDatagrams(chunk).datagrams)
            for (let answer = 0; answer < 10; answer++) peer.write(frameDatagram(Buffer.alloc(100, datagram[0])))
      },
    })
    const peer = await bound()
    const heard: string[] = []
    peer.on('message', (datagram) => heard.push(String(datagram[0])))
    peer.send(Buffer.alloc(200, 1), port, '127.0.0.1')
    await eventually(() => expect(peers.counts).toMatchObject({ sent: 6, dropped: 4, bytesSent: 600 }))
    peer.send(Buffer.alloc(10, 2), port, '127.0.0.1')
    await eventually(() => expect(heard.toSorted()).toEqual([...'1'.repeat(6), ...'2'.repeat(10)].map((digit) => digit)))
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
