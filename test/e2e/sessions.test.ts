/** exec, attach and port-forward as kubectl's versions dress them, from raw connections to real processes. */
import { writeFile } from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createWebSocketStream, WebSocket } from 'ws'
import { createClient } from '../../lib/client/create-client.js'
import { type ChannelLink, messagesOf, writeMessage } from '../../lib/stream/channel-link.js'
import { SpdyClient } from '../../lib/stream/fixtures/spdy-client.js'
import { eventually } from '../../lib/testing/eventually.js'
import { askUpgrade, pemOf } from './raw-upgrade.js'
import { type SessionBed, sessionBed } from './session-bed.js'

let bed: SessionBed
let port: number
/**
 * Answers each connection with what it said, in capitals, once it has ended its half, or has said bye;
 * a port that nothing of the task listens on stands beside it.
 */
const shouter = `
const net = require('node:net')
const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  let said = ''
  const answer = () => socket.end(said.toUpperCase())
  socket.on('data', (chunk) => (said += chunk) === 'bye' && answer()).on('end', answer).on('error', () => {})
})
server.listen(0, '127.0.0.1', () => console.log('port', server.address().port))
setInterval(() => console.log('tick'), 200)
console.error('ready')
`
beforeAll(async () => {
  bed = await sessionBed()
  await bed.run('subject', [process.execPath, '-e', shouter])
  const said = (await createClient(bed.cluster.admin).raw({ method: 'GET', path: `${task('subject')}/log?follow=true` })).body
  for await (const chunk of said) {
    port = Number(/port (\d+)/.exec(Buffer.from(chunk).toString())?.[1])
    if (port > 0) break
  }
}, 60_000)
afterAll(() => bed[Symbol.asyncDispose](), 60_000)

const task = (name: string) => `/apis/millrace.dev/v1/namespaces/default/tasks/${name}`

async function spdy(pathAndQuery: string, protocol: string): Promise<SpdyClient> {
  const upgraded = await askUpgrade(bed.cluster.admin, 'POST', pathAndQuery, { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': protocol })
  if (!('transport' in upgraded)) throw new Error(upgraded.message)
  expect(upgraded.headers).toMatchObject({ upgrade: 'SPDY/3.1', 'x-stream-protocol-version': protocol.split(', ').at(-1) })
  return new SpdyClient(upgraded.transport)
}

async function tunnel(): Promise<SpdyClient> {
  const { ca, cert, key } = pemOf(bed.cluster.admin)
  // The package sends no subprotocol with a slash; as a plain header it does.
  const headers = { 'sec-websocket-protocol': 'SPDY/3.1+portforward.k8s.io' }
  const socket = new WebSocket(`${bed.cluster.url.replace('http', 'ws')}${task('subject')}/portforward`, { ca, cert, key, headers })
  const answered = new Promise<string>((resolve, reject) => {
    socket.once('upgrade', ({ headers: given }) => {
      resolve(String(given['sec-websocket-protocol']))
      // As far as the package knows, none was asked for.
      delete given['sec-websocket-protocol']
    })
    socket.once('error', reject)
  })
  expect(await answered).toBe(headers['sec-websocket-protocol'])
  return new SpdyClient(createWebSocketStream(socket))
}

const link = (path: string): Promise<ChannelLink> => createClient(bed.cluster.admin).channels(path)

describe('exec over SPDY', () => {
  const open = (query: string) => spdy(`${task('subject')}/exec?${query}`, 'v5.channel.k8s.io, v4.channel.k8s.io')

  it('carries input, both outputs and the exit code on streams of their own', async () => {
    const client = await open(
      'command=sh&command=-c&command=cat;echo err >%262;exit 7&stdin=true&stdout=true&stderr=true'.replaceAll(' ', '%20'),
    )
    const [errors, stdin, stdout, stderr] = ['error', 'stdin', 'stdout', 'stderr'].map((streamtype) => client.open({ streamtype })) as [
      number,
      number,
      number,
      number,
    ]
    client.send(stdin, 'hello\n', true)
    await eventually(() => expect(client.closed).toBe(true))
    expect([client.textOf(stdout), client.textOf(stderr)]).toEqual(['hello\n', 'err\n'])
    expect(JSON.parse(client.textOf(errors))).toMatchObject({
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '7' }] },
    })
    expect([...client.ended]).toEqual(expect.arrayContaining([errors, stdout, stderr]))
  })

  it('gives a terminal whose size follows', async () => {
    const client = await open(
      'command=sh&command=-c&command=read%20line;until%20[%20%22$(stty%20size)%22%20=%20%2231%2071%22%20];do%20sleep%200.1;done;echo%20sized&stdin=true&stdout=true&tty=true',
    )
    const [, stdin, stdout, resize] = ['error', 'stdin', 'stdout', 'resize'].map((streamtype) => client.open({ streamtype })) as [
      number,
      number,
      number,
      number,
    ]
    client.send(resize, '{"Width":71,"Height":31}\n')
    client.send(stdin, 'go\n')
    await eventually(() => expect(client.closed).toBe(true))
    expect(client.textOf(stdout)).toBe('go\r\nsized\r\n')
  })
})

describe('attach', () => {
  it('shows what the task says from now on, and ends with the task', async () => {
    await bed.run('short', ['sh', '-c', 'until [ -e "$HOME/go" ]; do echo tick; sleep 0.1; done; echo out; echo err >&2; exit 3'])
    const client = await link(`${task('short')}/attach?stdout=true&stderr=true`)
    const said: string[] = []
    for await (const { channel, bytes } of messagesOf(client)) {
      if (said.length === 0) await writeFile(path.join(bed.folder, 'go'), '')
      if (`${bytes}` !== 'tick\n') said.push(`${channel}:${bytes}`)
      else if (said.length === 0) said.push('ticked')
    }
    expect(said.sort()).toEqual(['1:out\n', '2:err\n', expect.stringMatching(/^3:.*Success/), 'ticked'])
  })

  it.each([
    ['stdin=true', 'task "subject" has no open input'],
    ['tty=true', 'task "subject" has no terminal'],
    ['command=sh', 'attach has no parameter "command"'],
  ])('with %s is refused: %s', async (query, why) => {
    await expect(link(`${task('subject')}/attach?${query}`)).rejects.toMatchObject({ code: 400, message: expect.stringContaining(why) })
  })
})

describe.each([
  ['SPDY', () => spdy(`${task('subject')}/portforward`, 'portforward.k8s.io')],
  ['SPDY inside of a WebSocket', tunnel],
])('port-forward over %s', (_how, open) => {
  const connect = (client: SpdyClient, requestid: string, to = port) => {
    const headers = { port: String(to), requestid }
    const errors = client.open({ ...headers, streamtype: 'error' }, true)
    return { errors, data: client.open({ ...headers, streamtype: 'data' }) }
  }

  it('carries many connections at once, each half to its end', async () => {
    const client = await open()
    const many = Array.from({ length: 60 }, (_, index) => ({
      ...connect(client, String(index)),
      text: `connection ${index} ${'x'.repeat(50_000)}`,
    }))
    for (const { data, text } of many) client.send(data, text, true)
    await eventually(() => expect(many.every(({ data, errors }) => client.ended.has(data) && client.ended.has(errors))).toBe(true))
    for (const { data, errors, text } of many) expect([client.textOf(data), client.textOf(errors)]).toEqual([text.toUpperCase(), ''])
    client.destroy()
  })

  it('ends both streams when the task has ended its half, for a client that closes only then', async () => {
    const client = await open()
    const { data, errors } = connect(client, '0')
    client.send(data, 'bye')
    await eventually(() => expect([client.ended.has(data), client.ended.has(errors)]).toEqual([true, true]))
    expect([client.textOf(data), client.textOf(errors)]).toEqual(['BYE', ''])
    client.destroy()
  })

  it('says why a connection failed, and carries the next', async () => {
    const server = net.createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const foreign = (server.address() as net.AddressInfo).port
    const client = await open()
    const bad = connect(client, '0', foreign)
    await eventually(() => expect(client.ended).toContain(bad.errors))
    expect(client.textOf(bad.errors)).toContain(`nothing of the task listens on port ${foreign}`)
    const good = connect(client, '1')
    client.send(good.data, 'still there', true)
    await eventually(() => expect(client.textOf(good.data)).toBe('STILL THERE'))
    client.destroy()
    server.close()
  })
})

describe('port-forward over channels', () => {
  it('carries a connection to each port, which it names first', async () => {
    const client = await link(`${task('subject')}/portforward?ports=${port}&ports=1`)
    await writeMessage(client, { channel: 0, bytes: Buffer.from('hello') })
    await writeMessage(client, { channel: 0, bytes: undefined })
    const said = new Map<number, Buffer>()
    for await (const { channel, bytes = Buffer.alloc(0) } of messagesOf(client))
      said.set(channel, Buffer.concat([said.get(channel) ?? Buffer.alloc(0), bytes]))
    expect(said.get(0)?.readUInt16LE(0)).toBe(port)
    expect(said.get(0)?.subarray(2).toString()).toBe('HELLO')
    expect(said.get(3)?.subarray(2).toString()).toContain('nothing of the task listens on port 1')
  })
})

describe('a session that cannot be', () => {
  it.each<[string, 'GET' | 'POST', string, Record<string, string>, number, string]>([
    [
      'of a task that is not there',
      'POST',
      '/absent/exec?command=true',
      { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'v4.channel.k8s.io' },
      404,
      'tasks.millrace.dev "absent" not found',
    ],
    [
      'in a protocol of the past',
      'POST',
      '/subject/exec?command=true',
      { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'v3.channel.k8s.io' },
      400,
      'the connection can be upgraded to websocket, or to SPDY/3.1 with v4.channel.k8s.io',
    ],
    [
      'in a subprotocol that nobody speaks',
      'GET',
      '/subject/exec?command=true',
      { upgrade: 'websocket', 'sec-websocket-protocol': 'base64.channel.k8s.io' },
      400,
      'v5.channel.k8s.io, v4.channel.k8s.io',
    ],
    ['over something else', 'GET', '/subject/exec?command=true', { upgrade: 'h2c' }, 400, 'the connection can be upgraded to websocket'],
    [
      'without a command',
      'GET',
      '/subject/exec',
      { upgrade: 'websocket', 'sec-websocket-protocol': 'v5.channel.k8s.io' },
      400,
      'exec needs a command',
    ],
    [
      'in another container',
      'GET',
      '/subject/exec?command=true&container=x',
      { upgrade: 'websocket', 'sec-websocket-protocol': 'v5.channel.k8s.io' },
      400,
      'exec has no parameter "container"',
    ],
    [
      'with nothing to carry',
      'GET',
      '/subject/exec?command=true&stdout=false&stderr=false',
      { upgrade: 'websocket', 'sec-websocket-protocol': 'v5.channel.k8s.io' },
      400,
      'at least one of stdin, stdout, stderr',
    ],
    [
      'with a port that is none',
      'GET',
      '/subject/portforward?ports=99999',
      { upgrade: 'websocket', 'sec-websocket-protocol': 'v4.channel.k8s.io' },
      400,
      '"99999" is not a port',
    ],
    [
      'without a port',
      'GET',
      '/subject/portforward',
      { upgrade: 'websocket', 'sec-websocket-protocol': 'v4.channel.k8s.io' },
      400,
      'name the ports',
    ],
  ])('%s is a Status', async (_case, method, at, headers, status, message) => {
    const answer = await askUpgrade(bed.cluster.admin, method, task(at.slice(1)), {
      'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      'sec-websocket-version': '13',
      ...headers,
    })
    expect(answer).toMatchObject({ status, message: expect.stringContaining(message) })
  })

  it.each([
    ['somebody without a role', 'eve', []],
    ['another node', 'system:node:n2', ['system:nodes']],
    ['the node itself', 'system:node:n1', ['system:nodes']],
    ['the scheduler', 'system:scheduler', []],
    ['the controller-manager', 'system:controller-manager', []],
  ])('is refused to %s', async (_who, user, groups) => {
    const config = await bed.cluster.configOf(user, groups)
    for (const [what, protocol] of [
      ['exec?command=true', 'v4.channel.k8s.io'],
      ['attach', 'v4.channel.k8s.io'],
      ['portforward', 'portforward.k8s.io'],
    ] as const) {
      const overSpdy = await askUpgrade(config, 'POST', `${task('subject')}/${what}`, {
        upgrade: 'SPDY/3.1',
        'x-stream-protocol-version': protocol,
      })
      expect(overSpdy).toMatchObject({ status: 403, message: expect.stringContaining('cannot create resource "tasks/') })
      await expect(createClient(config).channels(`${task('subject')}/${what}`)).rejects.toMatchObject({ reason: 'Forbidden' })
    }
  })
})
