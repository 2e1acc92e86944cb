import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { eventually } from '../testing/eventually.js'
import { duplexOverSocket } from './duplex-over-socket.js'

let server: net.Server
let near: Socket
let far: Socket

beforeEach(async () => {
  server = net.createServer({ allowHalfOpen: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  near = net.connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, allowHalfOpen: true })
  const [accepted] = await once(server, 'connection')
  far = accepted
})
afterEach(() => {
  near.destroy()
  far.destroy()
  server.close()
})

it('gives what came behind the upgrade before the rest', async () => {
  const duplex = duplexOverSocket(far, Buffer.from('head '))
  near.end('rest')
  let text = ''
  for await (const chunk of duplex) text += chunk
  expect(text).toBe('head rest')
})

it.each(['the wrapped side', 'the other side'])('%s closes its half first, and the other still answers', async (first) => {
  const duplex = duplexOverSocket(far)
  const [asking, answering] = first === 'the wrapped side' ? [duplex, near] : [near, duplex]
  asking.end('question')
  expect(await textOf(answering)).toBe('question')
  answering.end('answer')
  expect(await textOf(asking)).toBe('answer')
})

/** All that a stream says; unlike `for await`, leaves its writing half alone. */
async function textOf(stream: Duplex): Promise<string> {
  let text = ''
  stream.on('data', (chunk) => {
    text += chunk
  })
  await once(stream, 'end')
  return text
}

it('takes no more than the reader of the other side takes', async () => {
  const duplex = duplexOverSocket(far)
  near.pause()
  const chunk = Buffer.alloc(64 * 1024)
  let written = 0
  while (duplex.write(chunk)) written += chunk.length
  const drained = once(duplex, 'drain')
  expect(written).toBeLessThan(64 * 1024 * 1024)
  near.resume()
  await drained
})

it('does not read ahead when nobody reads it', async () => {
  const duplex = duplexOverSocket(far)
  const chunk = Buffer.alloc(1024 * 1024)
  for (let sent = 0; sent < 64; sent++) near.write(chunk)
  await eventually(() => far.isPaused())
  expect(duplex.readableLength).toBeLessThan(1024 * 1024)
  let received = 0
  near.end()
  for await (const part of duplex) received += part.length
  expect(received).toBe(64 * chunk.length)
})

it('is destroyed with an error when the connection is cut, and destroys it', async () => {
  const duplex = duplexOverSocket(far)
  const failed = once(duplex, 'error')
  near.resetAndDestroy()
  const [error] = await failed
  expect(error).toBeInstanceOf(Error)
  expect(far.destroyed).toBe(true)
})

it('destroys the socket with itself', async () => {
  const duplex = duplexOverSocket(far)
  near.resume()
  const closed = once(near, 'end')
  duplex.destroy()
  await closed
  expect(far.destroyed).toBe(true)
})

it('fails at once over a socket that is gone', async () => {
  far.destroy()
  const duplex = duplexOverSocket(far)
  await expect(once(duplex, 'end')).rejects.toThrow('the connection was cut')
})
