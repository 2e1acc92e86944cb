import { execFileSync } from 'node:child_process'
import { connect, createServer } from 'node:net'
import { Duplex } from 'node:stream'
import { expect, it } from 'vitest'
import { eventually } from '../../lib/testing/eventually.js'
import { listenForConnections } from './connection-listener.js'
import { Places } from './places.js'

/** Connects, and breaks it off at once, before a process that is busy meanwhile has taken the connection. */
const connectAndBreakOff = `use Socket; socket(S, PF_INET, SOCK_STREAM, 0) or die; connect(S, pack_sockaddr_in($ARGV[0], inet_aton('127.0.0.1'))) or die;
  setsockopt(S, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0)) or die; close S`

it.each(['v2', 'off'] as const)('dials for nobody who has gone before the connection was taken (proxy protocol %s)', async (version) => {
  const free = createServer().listen(0, '127.0.0.1')
  const port = await new Promise<number>((resolve) =>
    free.once('listening', () => {
      const { port } = free.address() as { port: number }
      free.close(() => resolve(port))
    }),
  )
  let dialled = 0
  const listener = await listenForConnections({
    listen: { address: '127.0.0.1', port },
    places: new Places({ total: 10, perAddress: 10 }),
    proxyProtocol: () => version,
    dial: async () => {
      dialled++
      return new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
    },
    onFailure: () => {},
    onRefused: () => {},
  })
  execFileSync('perl', ['-e', connectAndBreakOff, String(port)])
  const present = connect({ port, host: '127.0.0.1' })
  await eventually(() => expect(listener.counts().connections).toEqual({ open: 1, total: 2, failed: 0, refused: 0 }))
  expect(dialled).toBe(1)
  present.destroy()
  listener.endAll()
  await listener.stopListening()
})
