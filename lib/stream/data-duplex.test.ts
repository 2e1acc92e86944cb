import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { dataDuplex } from './data-duplex.js'

it('breaks when the stream that asked for it breaks, though its bytes could still come', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const near = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' })
  const [far] = (await once(server, 'connection')) as [Socket]
  const witness = new PassThrough()
  const duplex = dataDuplex(near, witness)
  duplex.resume()
  const ended = once(far.resume(), 'close')
  witness.destroy()
  await expect(once(duplex, 'end')).rejects.toThrow('ended the stream early')
  await ended
  server.close()
})
