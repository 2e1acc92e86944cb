import { createHash, randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findCondition } from '../../lib/api/condition.js'
import { Event } from '../../lib/api/kinds/event.js'
import { Namespace, securityLabel } from '../../lib/api/kinds/namespace.js'
import { Node } from '../../lib/api/kinds/node.js'
import { Task } from '../../lib/api/kinds/task.js'
import { Tunnel, type TunnelManifest } from '../../lib/api/kinds/tunnel.js'
import { systemClock } from '../../lib/base/clock.js'
import { silentLogger } from '../../lib/base/log.js'
import { createClient } from '../../lib/client/create-client.js'
import { DatagramDuplex } from '../../lib/stream/datagrams.js'
import { duplexOverSocket } from '../../lib/stream/duplex-over-socket.js'
import { joinBoth } from '../../lib/stream/join-both.js'
import { answeringSession, ask, askingSession, type NodeRequest } from '../../lib/stream/node-session.js'
import { eventually } from '../../lib/testing/eventually.js'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'
import { startTunnels } from './start-tunnels.js'

const mebibyte = 1024 * 1024
const ending: (() => unknown)[] = []
let cluster: TestCluster
beforeEach(async () => {
  cluster = await testCluster()
})
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
  await cluster.close()
})

/** The connection of a node whose agent reaches ports of this machine; `cut` ends it. */
async function aNode() {
  const server = net.createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const near = net.connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [far] = (await once(server, 'connection')) as [Socket]
  answeringSession(duplexOverSocket(far), async ({ path }, stream) => {
    const query = new URL(path, 'http://node').searchParams
    const port = Number(query.get('port'))
    try {
      const target = await (query.get('protocol') === 'udp' ? reachDatagrams(port) : reach(port))
      stream.respond({ ':status': 200 })
      await joinBoth(stream, target)
    } catch (error) {
      stream.respond({ ':status': 400 })
      stream.end(`port ${port} cannot be connected to: ${(error as Error).message}`)
    }
  })
  const session = askingSession(duplexOverSocket(near))
  const cut = () => {
    for (const socket of [near, far]) socket.destroy()
    server.close()
  }
  ending.push(cut)
  return { session, cut }
}

async function reach(port: number): Promise<Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  await once(socket, 'connect')
  return socket
}

async function reachDatagrams(port: number): Promise<DatagramDuplex> {
  const socket = createSocket('udp4')
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const duplex = new DatagramDuplex({ send: (datagram, done) => socket.send(datagram, done), close: () => socket.close() })
  socket.on('message', (datagram) => duplex.receive(datagram))
  return duplex
}

/** The tunnels of a gateway beside the cluster, with the rights that it has. */
async function aGateway(
  { session }: Awaited<ReturnType<typeof aNode>>,
  limits = { total: 100, perAddress: 100 },
  name = 'gw',
  host = '0.0.0.0',
) {
  const client = createClient(await cluster.configOf('system:gateway'))
  const stopping = new AbortController()
  const open = (_node: string, request: NodeRequest) => ask(session, { ...request, writes: true })
  const nodes = { open, isConnected: () => !session.destroyed }
  const options = { client, clock: systemClock, log: silentLogger, name, nodes, host, advertiseHost: `${name}.example`, limits }
  const { countsOf, finished } = startTunnels(options, stopping.signal)
  const stop = async () => {
    stopping.abort()
    await finished
    await client.close()
  }
  ending.push(stop)
  return { countsOf, stop }
}

async function aTask(name = 'web') {
  const tasks = cluster.client.of(Task)
  await tasks.create({ metadata: { name, namespace: 'default' }, spec: { image: 'web' } })
  await cluster.client.of(Node).create({ metadata: { name: 'n1' }, spec: {} })
  const [binding] = await cluster.client.bind(Task, [{ namespace: 'default', name, nodeName: 'n1' }])
  expect(binding?.error).toBeUndefined()
  await setRunning('True', name)
}

const setRunning = (status: 'True' | 'False', name = 'web') =>
  cluster.client.of(Task).mergePatch(
    { namespace: 'default', name },
    {
      status: {
        phase: status === 'True' ? 'Running' : 'Preparing',
        conditions: [{ type: 'Running', status, reason: status === 'True' ? 'Started' : 'Restarting', message: '' }],
      },
    },
    { subresource: 'status' },
  )

const admitAnyPort = () =>
  cluster.client.of(Namespace).mergePatch({ name: 'default' }, { metadata: { labels: { [securityLabel]: 'privileged' } } })

type Spec = Partial<TunnelManifest['spec']>

const declareTunnel = (port: number, spec: Spec = {}, name = 't') =>
  cluster.client.of(Tunnel).create({
    metadata: { name, namespace: 'default' },
    spec: { target: { kind: 'Task', name: 'web', port }, listen: { address: '127.0.0.1' }, ...spec },
  })

/** Resolves when the gateway listens. */
async function aTunnel(port: number, spec: Spec = {}, name = 't') {
  await declareTunnel(port, spec, name)
  return listening(name)
}

const conditionOf = async (type: 'Listening' | 'TargetReady', name = 't') =>
  findCondition(await cluster.client.of(Tunnel).get({ namespace: 'default', name }), type)

async function listening(name = 't'): Promise<number> {
  return eventually(async () => {
    const tunnel = await cluster.client.of(Tunnel).get({ namespace: 'default', name })
    const condition = findCondition(tunnel, 'Listening')
    // Other gateways may have had their word, too.
    expect([condition?.status, condition?.message?.split(';')[0], tunnel.status?.observedGeneration]).toEqual([
      'True',
      `clients connect to ${tunnel.status?.endpoint}`,
      tunnel.metadata.generation,
    ])
    return tunnel.spec.listen.port
  })
}

/** A server of the target; each connection is given to `serve`. */
async function aServer(serve: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = () => {
    server.close()
    for (const socket of sockets) socket.resetAndDestroy()
  }
  ending.push(stop)
  return { port: (server.address() as AddressInfo).port, stop }
}

const echo = (socket: Socket) => void socket.pipe(socket)

function connect(port: number, host = '127.0.0.1'): Socket {
  const socket = net.connect({ port, host, allowHalfOpen: true })
  socket.on('error', () => {})
  ending.push(() => socket.destroy())
  return socket
}

function connectFrom(localAddress: string, port: number): Socket {
  const socket = net.connect({ port, host: '127.0.0.1', localAddress })
  socket.on('error', () => {})
  ending.push(() => socket.destroy())
  return socket
}

/** What comes back of what is said, to its end. */
async function exchange(port: number, said: string, host = '127.0.0.1'): Promise<string> {
  const socket = connect(port, host)
  socket.end(said)
  return text(socket)
}

/** Resolves with the error's code, or `ended`. */
const fateOf = (socket: Socket) =>
  new Promise<string>((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'))
    socket.once('end', () => resolve('ended'))
    socket.resume()
  })

describe('a Tunnel', () => {
  it('carries connections to its target, each half to its end', async () => {
    await aGateway(await aNode())
    await aTask()
    const server = await aServer((socket) => {
      let said = ''
      socket.on('data', (chunk) => {
        said += chunk
      })
      socket.once('end', () => socket.end(`you said ${said}`))
    })
    const port = await aTunnel(server.port)
    expect(await exchange(port, 'hello')).toBe('you said hello')
    const socket = connect(port)
    socket.end()
    expect(await text(socket)).toBe('you said ')
  })

  it('says where clients connect, and that its target runs', async () => {
    await aGateway(await aNode())
    await aTask()
    const port = await aTunnel(80, { listen: {} })
    const tunnel = await cluster.client.of(Tunnel).get({ namespace: 'default', name: 't' })
    expect(tunnel.status?.endpoint).toBe(`gw.example:${port}`)
    await eventually(async () => expect(await conditionOf('TargetReady')).toMatchObject({ status: 'True', reason: 'TargetRunning' }))
  })

  it('is served by each gateway, and its status has the word of each', async () => {
    const node = await aNode()
    const [first, second] = [await aGateway(node), await aGateway(node, undefined, 'other')]
    await aTask()
    const server = await aServer(echo)
    const tunnels = cluster.client.of(Tunnel)
    const at = { namespace: 'default', name: 't' }
    // Both are on this machine, so that one alone can have the port: status says so of each.
    const port = await aTunnel(server.port)
    const entries = async () =>
      (await tunnels.get(at)).status?.gateways?.map(({ name, endpoint, conditions }) => [
        name,
        endpoint,
        conditions?.map(({ type, status, reason }) => `${type}=${status} ${reason}`),
      ])
    const serving = ['Listening=True Listening', 'TargetReady=True TargetRunning']
    const refused = ['Listening=False PortTaken', 'TargetReady=True TargetRunning']
    const both = await eventually(async () => {
      const said = await entries()
      expect(said?.toSorted((a, b) => String(b[1] ?? '').localeCompare(String(a[1] ?? ''))).map(([, , conditions]) => conditions)).toEqual([
        serving,
        refused,
      ])
      return said
    })
    const holder = both?.find(([, endpoint]) => endpoint !== undefined)?.[0]
    expect(both?.map(([name]) => name)).toEqual(['gw', 'other'])
    const { status } = await tunnels.get(at)
    expect(status?.endpoint).toBe(`127.0.0.1:${port}`)
    expect(findCondition({ status }, 'Listening')).toMatchObject({
      status: 'True',
      message: expect.stringMatching(
        /^clients connect to 127\.0\.0\.1:\d+; gateway (gw|other) does not listen: tcp port \d+ of 127\.0\.0\.1 is taken/,
      ),
    })
    await (holder === 'gw' ? first : second).stop()
    await eventually(async () => expect(await exchange(port, 'a')).toBe('a'))
  })

  it('for all addresses listens at each gateway on the one that it has: when one gateway ends, the other goes on', async () => {
    const node = await aNode()
    const first = await aGateway(node, undefined, 'gw', '127.0.0.1')
    await aGateway(node, undefined, 'other', '127.0.0.2')
    await aTask()
    const server = await aServer(echo)
    await declareTunnel(server.port, { listen: { address: '0.0.0.0' } })
    const tunnel = await eventually(async () => {
      const now = await cluster.client.of(Tunnel).get({ namespace: 'default', name: 't' })
      expect(now.status?.gateways?.map(({ endpoint }) => endpoint !== undefined)).toEqual([true, true])
      return now
    })
    const { port } = tunnel.spec.listen
    for (const host of ['127.0.0.1', '127.0.0.2']) expect(await exchange(port, 'a', host)).toBe('a')
    await expect(exchange(port, 'a', '127.0.0.3')).rejects.toThrow('ECONNREFUSED')
    await first.stop()
    await expect(exchange(port, 'a')).rejects.toThrow('ECONNREFUSED')
    expect(await exchange(port, 'b', '127.0.0.2')).toBe('b')
  })

  it('fails a connection while its target is away, and never itself', async () => {
    const { countsOf } = await aGateway(await aNode())
    const server = await aServer(echo)
    const port = await aTunnel(server.port)
    expect(await conditionOf('TargetReady')).toMatchObject({ status: 'False', reason: 'TargetNotFound' })
    expect(await fateOf(connect(port))).toBe('ECONNRESET')
    await aTask()
    await eventually(async () => expect(await exchange(port, 'a')).toBe('a'))
    await setRunning('False')
    await eventually(async () =>
      expect(await conditionOf('TargetReady')).toMatchObject({
        status: 'False',
        message: 'task "web" does not run: its phase is Preparing',
      }),
    )
    expect(await fateOf(connect(port))).toBe('ECONNRESET')
    await setRunning('True')
    await eventually(async () => expect(await exchange(port, 'b')).toBe('b'))
    server.stop()
    expect(await fateOf(connect(port))).toBe('ECONNRESET')
    expect(countsOf('default', 't')?.lastFailure?.message).toContain(`port ${server.port} cannot be connected to`)
  })

  it('fails what its node carried when the node is lost, and not as if it were complete', async () => {
    const node = await aNode()
    await aGateway(node)
    await aTask()
    const server = await aServer((socket) => void socket.write('half of it'))
    const port = await aTunnel(server.port)
    const socket = connect(port)
    await once(socket, 'data')
    node.cut()
    expect(await fateOf(socket)).toBe('ECONNRESET')
    expect(await fateOf(connect(port))).toBe('ECONNRESET')
  })

  it('ends its connections with itself, and frees its port', async () => {
    await aGateway(await aNode())
    await aTask()
    const server = await aServer(echo)
    const port = await aTunnel(server.port)
    const socket = connect(port)
    socket.write('a')
    await once(socket, 'data')
    await cluster.client.of(Tunnel).delete({ namespace: 'default', name: 't' })
    expect(await fateOf(socket)).toBe('ECONNRESET')
    await eventually(async () => expect(await fateOf(connect(port))).toBe('ECONNREFUSED'))
    expect(await aTunnel(server.port, { listen: { address: '127.0.0.1', port } })).toBe(port)
  })

  it('moves without cutting what runs, and cuts what led to another target', async () => {
    await aGateway(await aNode())
    await aTask()
    const [first, second] = [await aServer(echo), await aServer((socket) => void socket.end('second'))]
    const port = await aTunnel(first.port)
    const socket = connect(port)
    socket.write('a')
    await once(socket, 'data')
    const patch = (spec: object) => cluster.client.of(Tunnel).mergePatch({ namespace: 'default', name: 't' }, { spec })
    await patch({ listen: { port: port === 30_000 ? 30_001 : port - 1 } })
    const moved = await eventually(async () => {
      const next = await listening()
      expect(next).not.toBe(port)
      return next
    })
    expect(await exchange(moved, 'b')).toBe('b')
    await eventually(async () => expect(await fateOf(connect(port))).toBe('ECONNREFUSED'))
    socket.write('c')
    expect(String((await once(socket, 'data'))[0])).toBe('c')
    await patch({ target: { port: second.port } })
    expect(await fateOf(socket)).toBe('ECONNRESET')
    await eventually(async () => expect(await exchange(moved, 'd')).toBe('second'))
  })

  it('says when its port is taken by another program, has no endpoint then, and listens when it is free', async () => {
    await aGateway(await aNode())
    const other = await aServer(echo)
    await admitAnyPort()
    await declareTunnel(80, { listen: { address: '127.0.0.1', port: other.port } })
    await eventually(async () =>
      expect(await conditionOf('Listening')).toMatchObject({
        status: 'False',
        reason: 'PortTaken',
        message: expect.stringContaining(`tcp port ${other.port} of 127.0.0.1 is taken by another program`),
      }),
    )
    expect((await cluster.client.of(Tunnel).get({ namespace: 'default', name: 't' })).status).not.toHaveProperty('endpoint')
    other.stop()
    await listening()
  })

  it('on an address that is not there says so', async () => {
    await aGateway(await aNode())
    await declareTunnel(80, { listen: { address: '203.0.113.7' } })
    await eventually(async () => expect(await conditionOf('Listening')).toMatchObject({ status: 'False', reason: 'AddressAbsent' }))
  })

  it('on an address beyond the one that its gateway listens on says what to do, and listens there no more', async () => {
    await aGateway(await aNode(), undefined, 'gw', '127.0.0.1')
    await aTask()
    const server = await aServer(echo)
    const port = await aTunnel(server.port)
    expect(await exchange(port, 'a')).toBe('a')
    const tunnels = cluster.client.of(Tunnel)
    await tunnels.mergePatch({ namespace: 'default', name: 't' }, { spec: { listen: { address: '127.0.0.2', port } } })
    await eventually(async () =>
      expect(await conditionOf('Listening')).toMatchObject({
        status: 'False',
        reason: 'AddressOutside',
        message: expect.stringContaining('the gateway listens on 127.0.0.1 alone'),
      }),
    )
    for (const host of ['127.0.0.1', '127.0.0.2']) await expect(exchange(port, 'a', host)).rejects.toThrow('ECONNREFUSED')
  })

  it('listens again at the same place when the gateway is started again', async () => {
    const node = await aNode()
    const gateway = await aGateway(node)
    await aTask()
    const server = await aServer(echo)
    const port = await aTunnel(server.port)
    await gateway.stop()
    expect(await fateOf(connect(port))).toBe('ECONNREFUSED')
    await aGateway(node)
    await eventually(async () => expect(await exchange(port, 'again')).toBe('again'))
  })

  it('refuses connections beyond its most, and those of one address beyond its share; counts them, and says so in an Event', async () => {
    const { countsOf } = await aGateway(await aNode(), { total: 3, perAddress: 2 })
    await aTask()
    const server = await aServer(echo)
    const port = await aTunnel(server.port)
    const open = [connect(port), connect(port)]
    for (const socket of open) {
      socket.write('12345')
      await once(socket, 'data')
    }
    for (let stranger = 0; stranger < 30; stranger++) expect(await fateOf(connect(port))).toBe('ECONNRESET')
    expect(countsOf('default', 't')).toMatchObject({
      connections: { open: 2, total: 32, failed: 0, refused: 30 },
      bytes: { in: 10, out: 10 },
    })
    const other = connectFrom('127.0.0.2', port)
    other.write('x')
    await once(other, 'data')
    expect(await fateOf(connectFrom('127.0.0.3', port))).toBe('ECONNRESET')
    open[0]?.end()
    await eventually(() => expect(countsOf('default', 't')?.connections.open).toBe(2))
    expect(countsOf('default', 't')?.bytes).toEqual({ in: 11, out: 11 })
    expect(await exchange(port, 'x')).toBe('x')
    await eventually(async () => {
      const events = (await cluster.client.of(Event).list({ namespace: 'default' })).items
      expect(events.filter(({ reason }) => reason === 'ConnectionsRefused')).toMatchObject([
        { type: 'Warning', count: 1, message: 'an address has 2 connections of the tunnel already, and gets no more' },
      ])
    })
  })

  it('has as many places when it moves as before, and forgets the listeners that it left', async () => {
    const { countsOf } = await aGateway(await aNode(), { total: 2, perAddress: 2 })
    await aTask()
    const server = await aServer(echo)
    let port = await aTunnel(server.port)
    const held = connect(port)
    held.write('a')
    await once(held, 'data')
    for (let move = 1; move <= 5; move++) {
      const next = 30_000 + ((port - 30_000 + 1) % 2_000)
      await cluster.client.of(Tunnel).mergePatch({ namespace: 'default', name: 't' }, { spec: { listen: { port: next } } })
      await eventually(async () => expect(await exchange(next, 'b')).toBe('b'))
      port = next
      await eventually(() =>
        expect(countsOf('default', 't')).toMatchObject({ connections: { open: 1 }, bytes: { in: 1 + move, out: 1 + move } }),
      )
    }
    const second = connect(port)
    second.write('c')
    await once(second, 'data')
    expect(await fateOf(connect(port))).toBe('ECONNRESET')
    for (const socket of [held, second]) socket.end()
    await eventually(() =>
      expect(countsOf('default', 't')).toMatchObject({ connections: { open: 0, refused: 1 }, bytes: { in: 7, out: 7 } }),
    )
  })

  it.each([
    ['127.0.0.1', `11000c${'7f000001'.repeat(2)}`],
    ['::1', `210024${`${'0'.repeat(31)}1`.repeat(2)}`],
  ])('with the PROXY protocol tells its target that a client of %s connects', async (address, ends) => {
    await aGateway(await aNode())
    await aTask()
    const server = await aServer((socket) => {
      const heard: Buffer[] = []
      socket.on('data', (chunk) => heard.push(chunk))
      socket.once('end', () => socket.end(Buffer.concat(heard).toString('hex')))
    })
    const port = await aTunnel(server.port, { listen: { address }, proxyProtocol: 'v2' })
    const socket = connect(port, address)
    await once(socket, 'connect')
    const ports = [socket.localPort ?? 0, port].map((number) => number.toString(16).padStart(4, '0')).join('')
    socket.end('hello')
    expect(await text(socket)).toBe(`0d0a0d0a000d0a515549540a21${ends}${ports}${Buffer.from('hello').toString('hex')}`)
  })
})

describe('many connections', () => {
  it('are byte-exact, with others stalled beside them', async () => {
    await aGateway(await aNode())
    await aTask()
    const bytes = randomBytes(4 * mebibyte)
    const digest = createHash('sha256').update(bytes).digest('hex')
    const server = await aServer((socket) => void socket.end(bytes))
    const port = await aTunnel(server.port)
    const stalled = Array.from({ length: 10 }, () => connect(port).pause())
    const digests = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const hash = createHash('sha256')
        for await (const chunk of connect(port)) hash.update(chunk)
        return hash.digest('hex')
      }),
    )
    expect(new Set(digests)).toEqual(new Set([digest]))
    for (const socket of stalled) socket.destroy()
  })

  it('hold a writer back when nobody reads', async () => {
    const { countsOf } = await aGateway(await aNode())
    await aTask()
    let written = 0
    const server = await aServer((socket) => {
      const chunk = Buffer.alloc(64 * 1024)
      const write = () => {
        while (!socket.destroyed && socket.write(chunk)) written += chunk.length
      }
      socket.on('drain', write)
      write()
    })
    const port = await aTunnel(server.port)
    const socket = connect(port).pause()
    await once(socket, 'connect')
    let before = -1
    await eventually(
      () => {
        const isStill = written === before && written > 0
        before = written
        return isStill
      },
      { intervalMs: 300 },
    )
    // What the kernel and the windows of one stream hold.
    expect(written).toBeLessThan(24 * mebibyte)
    expect(countsOf('default', 't')?.bytes.out).toBeLessThan(16 * mebibyte)
  })
})

describe('a Tunnel of datagrams', () => {
  it('gives each peer its own answers, and counts', async () => {
    const { countsOf } = await aGateway(await aNode())
    await aTask()
    const target = createSocket('udp4')
    target.on('message', (datagram, { port, address }) => target.send(`${port}:${datagram}`, port, address))
    target.bind(0, '127.0.0.1')
    await once(target, 'listening')
    ending.push(() => target.close())
    const port = await aTunnel(target.address().port, { protocol: 'udp' })
    const ask = async (said: string) => {
      const socket = createSocket('udp4')
      ending.push(() => socket.close())
      socket.send(said, port, '127.0.0.1')
      const [answer] = await once(socket, 'message')
      return String(answer).split(':')
    }
    const answers = await Promise.all(['a', 'bb', 'ccc'].map(ask))
    expect(answers.map(([, said]) => said)).toEqual(['a', 'bb', 'ccc'])
    expect(new Set(answers.map(([from]) => from)).size).toBe(3)
    expect(countsOf('default', 't')).toMatchObject({
      connections: { open: 3, total: 3, failed: 0, refused: 0 },
      bytes: { in: 6 },
      datagrams: { in: 3, out: 3, dropped: 0 },
    })
  })

  it('ends with its peers when it is deleted', async () => {
    await aGateway(await aNode())
    const port = await aTunnel(1, { protocol: 'udp' })
    await cluster.client.of(Tunnel).delete({ namespace: 'default', name: 't' })
    await eventually(async () => {
      const socket = createSocket('udp4')
      socket.bind({ port, address: '127.0.0.1', exclusive: true })
      await once(socket, 'listening')
      socket.close()
    })
  })
})
