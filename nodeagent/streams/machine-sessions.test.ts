import net from 'node:net'
import { type Duplex, PassThrough, Readable } from 'node:stream'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { silentLogger } from '../../lib/base/log.js'
import { channels, messagesOf, writeMessage } from '../../lib/stream/channel-link.js'
import { duplexOverSocket } from '../../lib/stream/duplex-over-socket.js'
import { FramedChannels } from '../../lib/stream/framed-channels.js'
import { answeringSession, ask, askingSession } from '../../lib/stream/node-session.js'
import { ManualClock } from '../../lib/testing/manual-clock.js'
import { BackendError } from '../backends/backend.js'
import type { MachineBackend, ObservedMachine } from '../backends/machine-backend.js'
import type { WorkloadFiles } from '../tasks/files/workload-files.js'
import { createNodeStreamHandler } from './node-stream-server.js'

const sockets: net.Socket[] = []
let server: net.Server
let session: ReturnType<typeof askingSession>
let state: ObservedMachine['state']
let dialled: unknown[]
let serialLine: Duplex | undefined

const echo = () => new PassThrough()
const machines = {
  name: 'docker',
  observeMachines: async (_signal: AbortSignal, uid?: string) =>
    uid === 'u-1' ? [{ uid: 'u-1', namespace: 'default', name: 'dev', state }] : [],
  openMachineExec: async (_uid: string, { command }: { command: readonly string[] }) => ({
    stdout: Readable.from([Buffer.from(`ran ${command.join(' ') || 'a shell'}`)]),
    resize() {},
    ended: Promise.resolve({ exitCode: 0 }),
    hangUp() {},
  }),
  dialMachine: async (...order: unknown[]) => {
    dialled.push(order.slice(0, 3))
    return echo()
  },
  openMachineFiles: async () => echo(),
  openMachineConsole: async () => {
    if (serialLine) return serialLine
    throw new BackendError('Unsupported', 'a container has no serial console', false)
  },
  machineLogs: (_uid: string, { follow, tailLines }: { follow: boolean; tailLines?: number }) =>
    Readable.from([Buffer.from(`said, ${follow ? 'and goes on' : 'once'}, ${tailLines ?? 'all'}\n`)]),
} as unknown as MachineBackend

beforeEach(async () => {
  state = 'running'
  dialled = []
  serialLine = undefined
  const handler = createNodeStreamHandler({
    backends: new Map(),
    machines: new Map([['docker', machines]]),
    files: {} as WorkloadFiles,
    log: silentLogger,
    clock: new ManualClock(),
  })
  server = net.createServer((socket) => {
    sockets.push(socket)
    answeringSession(duplexOverSocket(socket, Buffer.alloc(0)), handler)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const socket = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1')
  sockets.push(socket)
  session = askingSession(duplexOverSocket(socket, Buffer.alloc(0)))
})
afterEach(async () => {
  session.destroy()
  for (const socket of sockets.splice(0)) socket.destroy()
  await new Promise((resolve) => server.close(resolve))
})

async function request(method: 'GET' | 'POST', path: string, says = ''): Promise<{ status: number; text: string }> {
  const query = `${path.includes('?') ? '&' : '?'}kind=Vps&uid=u-1`
  const { status, stream } = await ask(session, { method, path: `${path}${query}`, writes: says !== '' })
  if (says !== '') stream.end(says)
  let text = ''
  for await (const chunk of stream) text += chunk
  return { status, text }
}

it('a Vps has sessions: its shell, its ports, its files, what it says', async () => {
  expect((await request('POST', '/exec/default/dev')).text).toContain('ran a shell')
  expect((await request('POST', '/exec/default/dev?command=ls&command=-l')).text).toContain('ran ls -l')
  expect(await request('POST', '/portforward/default/dev?port=80', 'ping')).toEqual({ status: 200, text: 'ping' })
  expect(await request('POST', '/portforward/default/dev?port=53&protocol=udp', 'ping')).toEqual({ status: 200, text: 'ping' })
  expect(dialled).toEqual([
    ['u-1', 80, 'tcp'],
    ['u-1', 53, 'udp'],
  ])
  expect(await request('POST', '/sftp/default/dev', 'packets')).toEqual({ status: 200, text: 'packets' })
  expect((await request('POST', '/attach/default/dev')).text).toContain('said, and goes on, 0')
  expect(await request('GET', '/logs/default/dev?tailLines=5')).toEqual({ status: 200, text: 'said, once, 5\n' })
})

it.each<['GET' | 'POST', string, number, string]>([
  ['POST', '/console/default/dev', 400, 'a container has no serial console'],
  ['POST', '/exec/default/other', 400, 'vps "other" does not run on the node'],
  ['POST', '/exec/other/dev', 400, 'vps "dev" does not run on the node'],
  ['GET', '/logs/default/other', 404, 'there is no log of vps "other" on the node'],
  ['GET', '/logs/default/dev?timestamps=true', 400, 'the log of a Vps has no times'],
  ['GET', '/logs/default/dev?sinceSeconds=5', 400, 'the log of a Vps has no times'],
])('%s %s is answered %i: %s', async (method, path, status, words) => {
  expect(await request(method, path)).toEqual({ status, text: expect.stringContaining(words) })
})

it('a console is carried in channels both ways, and that its machine ends is a good end', async () => {
  const line = new PassThrough()
  serialLine = line
  const { status, stream } = await ask(session, { method: 'POST', path: '/console/default/dev?kind=Vps&uid=u-1', writes: true })
  const link = new FramedChannels(stream)
  await writeMessage(link, { channel: channels.resize, bytes: Buffer.from('{}') })
  await writeMessage(link, { channel: channels.stdin, bytes: Buffer.from('who') })
  const messages = messagesOf(link)[Symbol.asyncIterator]()
  const said = [(await messages.next()).value]
  line.end()
  said.push((await messages.next()).value)
  expect(status).toBe(200)
  expect(said.map(({ channel, bytes }) => [channel, String(bytes)])).toEqual([
    [channels.stdout, 'who'],
    [channels.error, '{"exitCode":0}'],
  ])
  link.destroy()
})

it('a console is left when the client goes', async () => {
  serialLine = new PassThrough()
  const left = new Promise((resolve) => serialLine?.once('close', resolve))
  const { stream } = await ask(session, { method: 'POST', path: '/console/default/dev?kind=Vps&uid=u-1', writes: true })
  stream.destroy()
  await left
})

it('a Vps that does not run says so, and what kinds have sessions is said too', async () => {
  state = 'stopped'
  expect(await request('POST', '/exec/default/dev')).toEqual({ status: 400, text: 'vps "dev" does not run on the node: it is stopped' })
  const { status, stream } = await ask(session, { method: 'POST', path: '/exec/default/dev?kind=Node' })
  expect(status).toBe(400)
  stream.destroy()
})
