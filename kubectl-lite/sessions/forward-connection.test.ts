import { once } from 'node:events'
import net from 'node:net'
import { Duplex } from 'node:stream'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { ChannelLink, ChannelMessage } from '../../lib/stream/channel-link.js'
import { forwardConnection } from './forward-connection.js'

let server: net.Server
let near: net.Socket
let socket: net.Socket
beforeEach(async () => {
  server = net.createServer({ allowHalfOpen: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  near = net.connect({ port: (server.address() as net.AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true }).resume()
  ;[socket] = (await once(server, 'connection')) as [net.Socket]
  for (const end of [near, socket]) end.on('error', () => {})
})
afterEach(() => {
  near.destroy()
  socket.destroy()
  server.close()
})

/** A link on which the far side says these messages. */
const linkOf = (...said: ChannelMessage[]) => {
  const link: Duplex = new Duplex({ objectMode: true, read: () => {}, write: (_message, _encoding, done) => done() })
  for (const message of said) link.push(message)
  return link as ChannelLink
}
const say = (channel: number, text: string): ChannelMessage => ({ channel, bytes: Buffer.from(text) })
const preamble = (channel: number) => say(channel, '\0\0')
const farEnd: ChannelMessage = { channel: 0, bytes: undefined }

it('a link that breaks before its end is a failure', async () => {
  const link = linkOf(preamble(0), say(0, 'half of it'))
  const carried = forwardConnection(link, socket)
  await once(near, 'data')
  link.destroy(new Error('broken'))
  await expect(carried).rejects.toThrow('broken')
})

it('what the node says of a failure is the failure', async () => {
  const link = linkOf(preamble(0), preamble(1), say(1, 'nobody listens'))
  link.push(null)
  await expect(forwardConnection(link, socket)).rejects.toThrow('nobody listens')
})

it('a link that breaks after all was said is no failure', async () => {
  const link = linkOf(preamble(0), say(0, 'all of it'), farEnd)
  const carried = forwardConnection(link, socket)
  await once(near, 'end')
  link.destroy(new Error('not open any more'))
  await expect(carried).resolves.toBeUndefined()
})

it('a connection that goes away here is no failure', async () => {
  const carried = forwardConnection(linkOf(preamble(0)), socket)
  near.resetAndDestroy()
  await expect(carried).resolves.toBeUndefined()
})
