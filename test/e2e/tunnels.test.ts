/** Tunnels through real processes: API server, gateway, agent, a target that is a Task; clients are plain sockets. */
import { createHash } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import net, { type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Tunnel } from '../../lib/api/kinds/tunnel.js'
import type { TunnelStats } from '../../lib/api/tunnel-stats.js'
import type { Client } from '../../lib/client/client.js'
import { createClient } from '../../lib/client/create-client.js'
import { loadKubeconfig } from '../../lib/client/kubeconfig/load-kubeconfig.js'
import { eventually } from '../../lib/testing/eventually.js'
import { freePort } from '../processes/free-port.js'
import { figuresOf } from '../processes/process-figures.js'
import { type OneMachine, oneMachine } from './one-machine.js'

const mebibyte = 1024 * 1024
const isLong = process.env.MILLRACE_TEST_LONG === '1'
const users = ['ann', 'ben', 'cleo', 'dora', 'emil']
let machine: OneMachine
let admin: Client
let tcpPort: number
let udpPort: number

beforeAll(async () => {
  machine = await oneMachine()
  const up = await machine.launch('up', '--backends', 'process')
  expect(up.code, up.err).toBe(0)
  const { config } = await loadKubeconfig({ kubeconfig: `${machine.directory}/admin.kubeconfig`, env: {}, home: machine.home })
  admin = createClient(config)
  ;[tcpPort, udpPort] = [await freePort(), await freePort()]
  await admin.raw({ method: 'POST', path: '/apis/millrace.dev/v1/namespaces/default/tasks', body: aTarget() })
  await Promise.all(users.map((user) => aTunnel(user, 'tcp', tcpPort, user)))
  await aTunnel('datagrams', 'udp', udpPort)
  await Promise.all([...users, 'datagrams'].map(ready))
}, 240_000)
afterAll(async () => {
  await admin?.close()
  await machine[Symbol.asyncDispose]()
}, 120_000)

/** Answers `get N` with N bytes that follow from their place, says everything else back, and datagrams too. */
const server = () => `
const chunk = Buffer.alloc(64 * 1024, 'millrace ')
require('node:net').createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => {})
  socket.once('data', (first) => {
    const asked = /^get (\\d+)\\n/.exec(first)
    if (!asked) { socket.write(first); return void socket.pipe(socket) }
    let left = Number(asked[1])
    const write = () => {
      while (left > 0) {
        const piece = chunk.subarray(0, left)
        left -= piece.length
        if (!socket.write(piece)) return void socket.once('drain', write)
      }
      socket.end()
    }
    write()
  })
  socket.once('end', () => { if (socket.listenerCount('data') === 0) socket.end() })
}).listen(${tcpPort}, '127.0.0.1')
const datagrams = require('node:dgram').createSocket('udp4')
datagrams.on('message', (said, { port, address }) => datagrams.send(said, port, address)).bind(${udpPort}, '127.0.0.1')
`
const aTarget = () => ({
  apiVersion: 'millrace.dev/v1',
  kind: 'Task',
  metadata: { name: 'target', namespace: 'default' },
  spec: { command: [process.execPath, '-e', server()], restartPolicy: 'Always', terminationGracePeriodSeconds: 1 },
})

/** Made by a user who may make Tunnels and no more, where one is named. */
async function aTunnel(name: string, protocol: 'tcp' | 'udp', port: number, user?: string): Promise<void> {
  if (user !== undefined) {
    const binding = {
      metadata: { name: `edit-${user}`, namespace: 'default' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
    }
    await admin.raw({ method: 'POST', path: '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings', body: binding })
  }
  const spec = { target: { kind: 'Task', name: 'target', port }, protocol, listen: { address: '127.0.0.1' } }
  const headers = user === undefined ? {} : { 'Impersonate-User': user }
  const path = '/apis/millrace.dev/v1/namespaces/default/tunnels'
  const answer = await admin.raw({
    method: 'POST',
    path,
    body: { apiVersion: 'millrace.dev/v1', kind: 'Tunnel', metadata: { name }, spec },
    headers,
  })
  expect(answer.status, await answer.text()).toBe(201)
}

const tunnel = (name: string) => admin.of(Tunnel).get({ namespace: 'default', name })

/** Resolves with the port, once clients get through. */
async function ready(name: string): Promise<number> {
  return eventually(async () => {
    const { spec, status } = await tunnel(name)
    expect(status?.conditions?.map(({ type, status: state }) => `${type}=${state}`).sort()).toEqual(['Listening=True', 'TargetReady=True'])
    if (spec.protocol === 'tcp') expect(await say(spec.listen.port, 'ready?')).toBe('ready?')
    return spec.listen.port
  })
}

function connect(port: number): Socket {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => {})
  return socket
}

async function say(port: number, said: string): Promise<string> {
  const socket = connect(port)
  socket.end(said)
  return text(socket)
}

/** The digest of N bytes that come, and how many they were. */
async function get(port: number, bytes: number): Promise<string> {
  const socket = connect(port)
  socket.write(`get ${bytes}\n`)
  const hash = createHash('sha256')
  for await (const chunk of socket) hash.update(chunk)
  return hash.digest('hex')
}

function digestOf(bytes: number): string {
  const hash = createHash('sha256')
  const chunk = Buffer.alloc(64 * 1024, 'millrace ')
  for (let left = bytes; left > 0; left -= chunk.length) hash.update(chunk.subarray(0, Math.min(left, chunk.length)))
  return hash.digest('hex')
}

const stats = async (name: string): Promise<TunnelStats['gateways'][number]> => {
  const answer = await admin.raw({ method: 'GET', path: `/apis/millrace.dev/v1/namespaces/default/tunnels/${name}/stats` })
  const body = await answer.text()
  expect(answer.status, body).toBe(200)
  const [counts] = (JSON.parse(body) as TunnelStats).gateways
  if (!counts) throw new Error('no gateway has counted anything')
  return counts
}

const pidOf = (program: string): number => machine.running()[program]?.pid ?? expect.fail(`${program} does not run`)

it('acceptance check 8: 20 simultaneous connections by 5 users into one Task are byte-exact, and one that is stalled stalls no other', async () => {
  const bytes = 3 * mebibyte
  const ports = await Promise.all(users.map(ready))
  const stalled = connect(ports[0] ?? 0).pause()
  stalled.write(`get ${512 * mebibyte}\n`)
  await eventually(async () => expect((await stats('ann')).bytes.out).toBeGreaterThan(64 * 1024))
  const digests = await Promise.all(Array.from({ length: 20 }, (_, n) => get(ports[n % ports.length] ?? 0, bytes)))
  expect(new Set(digests)).toEqual(new Set([digestOf(bytes)]))
  await eventually(async () => expect((await stats('ann')).connections).toMatchObject({ open: 1, failed: 0 }))
  stalled.destroy()
})

it(`carries ${isLong ? '1 GiB' : '64 MiB'} with flat memory`, async () => {
  const bytes = (isLong ? 1024 : 64) * mebibyte
  const port = await ready('ben')
  await get(port, 8 * mebibyte)
  const programs = ['gateway', 'nodeagent']
  const before = programs.map((program) => figuresOf(pidOf(program)).residentBytes())
  expect(await get(port, bytes)).toBe(digestOf(bytes))
  for (const [index, program] of programs.entries())
    expect(figuresOf(pidOf(program)).residentBytes() - (before[index] ?? 0), program).toBeLessThan(80 * mebibyte)
}, 600_000)

describe('when something dies', () => {
  it('the target: new connections succeed as soon as it runs again', async () => {
    const port = await ready('cleo')
    const socket = connect(port)
    socket.write('a')
    await once(socket, 'data')
    const [pid] = readdirSync('/proc').filter((entry) => {
      try {
        return /^\d+$/.test(entry) && readFileSync(`/proc/${entry}/cmdline`, 'utf8').includes(`.listen(${tcpPort}, `)
      } catch {
        return false
      }
    })
    const gone = new Promise((resolve) => socket.once('close', resolve))
    process.kill(Number(pid), 'SIGKILL')
    socket.resume().end()
    await gone
    expect(await eventually(async () => (await say(port, 'again')) || expect.fail('not yet'))).toBe('again')
  })

  it.each(['gateway', 'nodeagent'])(
    'the %s, by kill -9: started again, the same ports work',
    async (program) => {
      const port = await ready('dora')
      process.kill(pidOf(program), 'SIGKILL')
      const up = await machine.launch('up')
      expect(up.code, up.err).toBe(0)
      expect(await eventually(async () => (await say(port, 'again')) || expect.fail('not yet'))).toBe('again')
      expect(await ready('dora')).toBe(port)
    },
    180_000,
  )
})

it('half-closed connections carry their other half to its end', async () => {
  const socket = connect(await ready('emil'))
  socket.end(`get ${mebibyte}\n`)
  let bytes = 0
  for await (const chunk of socket) bytes += (chunk as Buffer).length
  expect(bytes).toBe(mebibyte)
})

it('datagrams come back, and what is lost is counted', async () => {
  const port = await ready('datagrams')
  const socket = createSocket('udp4')
  const heard = new Set<string>()
  socket.on('message', (said) => heard.add(String(said)))
  const sent = 200
  await eventually(
    () => {
      for (let n = 0; n < sent; n++) if (!heard.has(String(n))) socket.send(String(n), port, '127.0.0.1')
      return heard.size === sent
    },
    { intervalMs: 200 },
  )
  const { datagrams, connections } = await stats('datagrams')
  expect(connections).toMatchObject({ open: 1, failed: 0 })
  expect(datagrams?.in).toBeGreaterThanOrEqual(sent)
  expect(datagrams?.out).toBeGreaterThanOrEqual(sent)
  const described = await machine.kubectlLite('describe', 'tunnel', 'datagrams')
  expect(described.out).toMatch(/Peers: +1 now, \d+ in all, 0 failed, 0 refused\n.*Bytes: .*\n +Datagrams: +\d+ in, \d+ out, \d+ dropped/)
  socket.close()
})

it('the agent listens nowhere: nodes need no open port', () => {
  const agent = pidOf('nodeagent')
  const own = new Set(readdirSync(`/proc/${agent}/fd`).map((fd) => /socket:\[(\d+)\]/.exec(linkOf(`/proc/${agent}/fd/${fd}`))?.[1]))
  const listening = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode]) => state === '0A' && own.has(inode)),
  )
  expect(listening).toEqual([])
})

function linkOf(file: string): string {
  try {
    return readlinkSync(file)
  } catch {
    return ''
  }
}
