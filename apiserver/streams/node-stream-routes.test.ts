import { createPublicKey } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type IncomingMessage, ServerResponse } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ApiError } from '../../lib/api/api-error.js'
import type { Kind } from '../../lib/api/define-kind.js'
import { Task } from '../../lib/api/kinds/task.js'
import { VpsSnapshot } from '../../lib/api/kinds/vps-snapshot.js'
import { printKey } from '../../lib/api/object-key.js'
import { silentLogger } from '../../lib/base/log.js'
import { dialNodeStreams } from '../../lib/stream/dial-node-streams.js'
import { createNodeConnections } from '../../lib/stream/node-connections.js'
import type { NodeRequestHandler } from '../../lib/stream/node-session.js'
import { eventually } from '../../lib/testing/eventually.js'
import { createAuthenticator } from '../auth/authenticate.js'
import { aStored } from '../auth/fixtures/stored.js'
import { ensurePki, type Pki, servingOptions } from '../auth/pki/ensure-pki.js'
import { generateKeyPem } from '../auth/pki/generate-key-pem.js'
import type { StoredObject } from '../storage/store.js'
import { createNodeStreamRoutes } from './node-stream-routes.js'
import { createNodeStreams, type NodeStreams } from './node-streams.js'

let folder: string
let pki: Pki
let reader: Credential
let server: https.Server
let streams: NodeStreams
let abort: AbortController
const agents: Promise<void>[] = []
const tasks = new Map<string, StoredObject>()
let allowed: boolean

interface Credential {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

async function credential(commonName: string, organizations: string[], lifeMs = 3_600_000): Promise<Credential> {
  const key = generateKeyPem()
  const validity = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + lifeMs) }
  const cert = await pki.authority.issue({ publicKey: createPublicKey(key), commonName, organizations, usage: 'client', ...validity })
  return { ca: pki.authority.certificate, cert, key }
}
const nodeCredential = (name: string, lifeMs?: number) => credential(`system:node:${name}`, ['system:nodes'], lifeMs)

function store(name: string, spec: object, status: object, uid = `uid-of-${name}`): void {
  const stored = aStored(Task as unknown as Kind, { metadata: { namespace: 'default', name, uid }, spec, status })
  tasks.set(printKey(stored.key), stored)
}
const running = { phase: 'Running', startedAt: '2026-01-01T00:00:00Z', attempt: 2 }

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'streams-'))
  pki = await ensurePki({ directory: folder })
  reader = await credential('ann', [])
})
afterAll(() => rm(folder, { recursive: true, force: true }))

beforeEach(async () => {
  abort = new AbortController()
  allowed = true
  tasks.clear()
  streams = createNodeStreams()
  const { authenticate } = createAuthenticator({ tokens: { find: () => undefined } })
  const routes = createNodeStreamRoutes({
    streams,
    gateways: createNodeConnections(),
    store: { get: (key) => tasks.get(printKey(key)) },
    authorizer: {
      authorize: ({ resource, subresource }) => ({ allowed: allowed && `${resource}/${subresource}` === 'pods/log', reason: '' }),
    },
    authenticate,
    log: silentLogger,
    judgeEveryMs: 20,
  })
  const refuse = (response: ServerResponse, error: unknown) => {
    const { code } = error as ApiError
    if (!(error instanceof ApiError)) throw error
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(error.toStatus()))
  }
  server = https.createServer(servingOptions(pki), (request, response) => {
    const url = new URL(request.url ?? '', 'https://server')
    const place = { namespace: 'default', name: url.pathname.slice(1) }
    const access = { user: authenticate(request), verb: 'get', group: '', resource: 'pods', subresource: 'log', ...place, path: '' }
    const target = { kind: Task as unknown as Kind, ...place, access }
    const [, snapshot] = /^\/snapshots\/(.*)$/.exec(url.pathname) ?? []
    if (snapshot !== undefined) {
      const content = { namespace: 'default', name: snapshot, range: request.headers.range, isAllowed: () => allowed }
      routes.streamSnapshot(content, response).catch((error: unknown) => refuse(response, error))
      return
    }
    routes.streamLog(target, url.searchParams, request, response).catch((error: unknown) => refuse(response, error))
  })
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head) => {
    socket.on('error', () => socket.destroy())
    try {
      routes.handleUpgrade(request.url?.split('/').at(-1) ?? '', request, socket, head)
    } catch (error) {
      const response = new ServerResponse(request)
      response.assignSocket(socket)
      response.once('finish', () => socket.end())
      refuse(response, error)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(async () => {
  abort.abort()
  streams.close()
  await Promise.all(agents.splice(0))
  server.closeAllConnections()
  server.close()
})

const port = () => (server.address() as AddressInfo).port

/** Dials as a node's agent; resolves when the server has the connection. */
async function connect(options: { name?: string; as?: Credential; answer?: NodeRequestHandler; retryMs?: number } = {}) {
  const { name = 'n1', answer = () => {} } = options
  const tls = options.as ?? (await nodeCredential(name))
  const errors: string[] = []
  const server = `https://127.0.0.1:${port()}`
  let connects = 0
  agents.push(
    dialNodeStreams({
      server,
      path: `/apis/millrace.dev/v1/nodestreams/${name}`,
      tls: () => tls,
      onRequest: answer,
      onConnected: () => connects++,
      onDisconnected: (error) => errors.push(error.message),
      backoff: { initialMs: options.retryMs ?? 5, maxMs: 600_000, factor: 1, jitter: 'none' },
      signal: abort.signal,
    }),
  )
  await eventually(() => connects > 0 || errors.length > 0)
  return { errors, connects: () => connects }
}

/** Asks for a log; resolves with the head of the answer. */
async function askLog(pathAndQuery: string): Promise<IncomingMessage> {
  const request = https.request({ host: '127.0.0.1', port: port(), path: pathAndQuery, agent: false, ...reader })
  request.end()
  request.on('error', () => {})
  const [response] = await once(request, 'response')
  return response
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response) text += chunk
  return text
}

describe('the content of a snapshot', () => {
  const digest = `sha256:${'0'.repeat(64)}`
  const forged = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged'

  const snapshot = (phase = 'Ready') => {
    const metadata = { namespace: 'default', name: 's', uid: 'u' }
    const stored = aStored(VpsSnapshot as unknown as Kind, { metadata, spec: { vpsName: 'v', nodeName: 'n1' }, status: { phase } })
    tasks.set(printKey(stored.key), stored)
  }
  /** Over one connection, in turn: what each is answered, or why there is no whole answer. */
  const ask = async (ranges: readonly (string | undefined)[]) => {
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 })
    const answers: string[] = []
    for (const range of ranges) {
      const headers = range === undefined ? {} : { range }
      const request = https.get({ host: '127.0.0.1', port: port(), path: '/snapshots/s', agent, headers, ...reader })
      const answered = once(request, 'response').then(async ([response]) => `${response.statusCode} ${await textOf(response)}`)
      answers.push(await answered.catch(() => 'cut'))
    }
    agent.destroy()
    return answers
  }
  const says = (size: unknown, body: string, of: unknown = digest): NodeRequestHandler => {
    return (_request, stream) => {
      stream.respond({ ':status': 200, 'x-millrace-size': String(size), 'x-millrace-digest': String(of) })
      stream.end(body)
    }
  }

  it.each<[string, NodeRequestHandler, string | undefined, string]>([
    ['comes whole', says(4, 'disk'), undefined, '200 disk'],
    ['goes on from a byte', says(4, 'sk'), 'bytes=2-', '206 sk'],
    ['is all there', says(4, ''), 'bytes=4-', '206 '],
    ['is cut where the agent sends less', says(9, 'disk'), undefined, 'cut'],
    ['has no bytes', says('', 'disk'), undefined, '503 '],
    ['has a size that is none', says('4e3', 'disk'), undefined, '503 '],
    ['is smaller than where it goes on', says(1, ''), 'bytes=2-', '503 '],
    ['has a digest that is none', says(4, 'disk', 'sha256:0'), undefined, '503 '],
    ['is asked for by a range of its middle', says(4, 'disk'), 'bytes=1-2', '400 '],
  ])('%s', async (_case, answer, range, expected) => {
    snapshot()
    await connect({ answer })
    expect((await ask([range]))[0]).toContain(expected)
  })

  it('is no more than what was announced: what is more would be the next answer to the one who asked', async () => {
    snapshot()
    await connect({
      answer: (_request, stream) => {
        stream.respond({ ':status': 200, 'x-millrace-size': '4', 'x-millrace-digest': digest })
        stream.write('disk')
        stream.end(forged)
      },
    })
    const answers = await ask([undefined, undefined, undefined])
    expect(answers.join()).not.toContain('forged')
    expect(answers.filter((answer) => answer !== '200 disk' && answer !== 'cut')).toEqual([])
  })

  it('that is not ready is asked of nobody', async () => {
    snapshot('Creating')
    await connect({ answer: says(4, 'disk') })
    expect(await ask([undefined])).toEqual([expect.stringContaining('400 ')])
  })
})

describe('the log of a task', () => {
  it('comes from its node, for its uid and attempt, with the parameters that were asked for', async () => {
    store('hello', { nodeName: 'n1' }, running)
    const asked: string[] = []
    await connect({
      answer: ({ path }, stream) => {
        asked.push(path)
        stream.respond({ ':status': 200 })
        stream.end('line 1\nline 2\n')
      },
    })
    const response = await askLog('/hello?tailLines=2&timestamps=true')
    expect(response.statusCode).toBe(200)
    expect(response.headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(await textOf(response)).toBe('line 1\nline 2\n')
    expect(asked).toEqual(['/logs/default/hello?tailLines=2&timestamps=true&uid=uid-of-hello&attempt=2'])
  })

  it('arrives line by line while it is followed, and ends with the agent', async () => {
    store('hello', { nodeName: 'n1' }, running)
    let agentStream: ServerHttp2Stream | undefined
    await connect({
      answer: (_request, stream) => {
        agentStream = stream
        stream.respond({ ':status': 200 })
      },
    })
    const response = await askLog('/hello?follow=true')
    for (const line of ['one\n', 'two\n']) {
      agentStream?.write(line)
      const [chunk] = await once(response, 'data')
      expect(String(chunk)).toBe(line)
    }
    const ended = once(response, 'end')
    agentStream?.end()
    await ended
    expect(response.complete).toBe(true)
  })

  it('is not read ahead of a slow reader, and stops when the reader goes away', async () => {
    store('hello', { nodeName: 'n1' }, running)
    let written = 0
    let closed = false
    await connect({
      answer: (_request, stream) => {
        stream.respond({ ':status': 200 })
        stream.once('close', () => {
          closed = true
        })
        const chunk = Buffer.alloc(64 * 1024)
        const fill = () => {
          let room = true
          while (room && !stream.destroyed) {
            written += chunk.length
            room = stream.write(chunk)
          }
        }
        stream.on('drain', fill)
        fill()
      },
    })
    const response = await askLog('/hello?follow=true')
    response.pause()
    let before = -1
    await eventually(
      () => {
        const settled = written === before
        before = written
        return settled
      },
      { intervalMs: 100 },
    )
    expect(written).toBeLessThan(32 * 1024 * 1024)
    response.destroy()
    await eventually(() => closed)
  })

  it('that is cut on its way does not end as if it were whole', async () => {
    store('hello', { nodeName: 'n1' }, running)
    await connect({
      answer: (_request, stream) => {
        stream.respond({ ':status': 200 })
        stream.write('half of it')
        setImmediate(() => stream.destroy(new Error('disk')))
      },
    })
    await expect(textOf(await askLog('/hello'))).rejects.toThrow('aborted')
  })

  it.each<[string, number, string, NodeRequestHandler]>([
    [
      'has no log of it',
      404,
      'the log of attempt 2 is gone',
      (_request, stream) => {
        stream.respond({ ':status': 404 })
        stream.end(JSON.stringify({ kind: 'Status', message: 'the log of attempt 2 is gone' }))
      },
    ],
    [
      'refuses the request',
      400,
      'no previous run',
      (_request, stream) => {
        stream.respond({ ':status': 400 })
        stream.end('no previous run\n')
      },
    ],
    [
      'fails',
      503,
      'the agent of node "n1" answered with code 500',
      () => {
        throw new Error('secret')
      },
    ],
    [
      'answers with a code that is none of its business',
      503,
      'the agent of node "n1" answered with code 401: give me your password',
      (_request, stream) => {
        stream.respond({ ':status': 401 })
        stream.end('give me your password')
      },
    ],
    ['hangs up', 503, 'the agent of node "n1" did not answer', (_request, stream) => stream.session?.destroy()],
    [
      'says more than anybody wants to read',
      400,
      'a'.repeat(100),
      (_request, stream) => {
        stream.respond({ ':status': 400 })
        stream.end('a'.repeat(1024 * 1024))
      },
    ],
  ])('is a Status when the agent %s', async (_case, code, message, answer) => {
    store('hello', { nodeName: 'n1' }, running)
    await connect({ answer })
    const response = await askLog('/hello')
    const status = JSON.parse(await textOf(response))
    expect([response.statusCode, status.kind, status.code]).toEqual([code, 'Status', code])
    expect(status.message).toContain(message)
    expect(status.message.length).toBeLessThan(20_000)
  })

  it.each([
    ['/absent', 404, 'tasks.millrace.dev "absent" not found'],
    ['/waiting', 400, 'task "waiting" is waiting to start: it is not bound to a node'],
    ['/lonely', 503, 'the agent of node "n2" is not connected'],
    ['/hello?container=main', 400, 'the log has no parameter "container"'],
  ])('%s is a Status before anything else: %i', async (path, code, message) => {
    store('hello', { nodeName: 'n1' }, running)
    store('waiting', {}, { phase: 'Pending' })
    store('lonely', { nodeName: 'n2' }, running)
    await connect()
    const response = await askLog(path)
    expect(response.statusCode).toBe(code)
    expect(JSON.parse(await textOf(response)).message).toContain(message)
  })

  it.each<[string, () => void]>([
    [
      'the reader loses the right to it',
      () => {
        allowed = false
      },
    ],
    ['the task is gone', () => tasks.clear()],
    ['another task has taken the name', () => store('hello', { nodeName: 'n1' }, running, 'another')],
    ['the task is on another node', () => store('hello', { nodeName: 'n2' }, running)],
  ])('is cut when %s', async (_case, change) => {
    store('hello', { nodeName: 'n1' }, running)
    await connect({
      answer: (_request, stream) => {
        stream.respond({ ':status': 200 })
        stream.write('so far')
      },
    })
    const response = await askLog('/hello?follow=true')
    await once(response, 'data')
    change()
    await expect(textOf(response)).rejects.toThrow('aborted')
  })
})

describe('the connection of an agent', () => {
  it('is replaced by a newer one of the same node', async () => {
    store('hello', { nodeName: 'n1' }, running)
    const respond =
      (text: string): NodeRequestHandler =>
      (_request, stream) => {
        stream.respond({ ':status': 200 })
        stream.end(text)
      }
    const older = await connect({ answer: respond('older'), retryMs: 600_000 })
    expect(await textOf(await askLog('/hello'))).toBe('older')
    await connect({ answer: respond('newer') })
    expect(await textOf(await askLog('/hello'))).toBe('newer')
    await eventually(() => older.errors.length === 1)
    expect(streams.isConnected('n1')).toBe(true)
  })

  it.each<[string, () => Promise<Parameters<typeof connect>[0]>]>([
    ['another node', async () => ({ as: await nodeCredential('n2') })],
    ['an administrator', async () => ({ as: await credential('admin', ['system:masters']) })],
    ['a user with the name of the node', async () => ({ as: await credential('system:node:n1', []) })],
    ['a joining machine', async () => ({ as: await credential('system:bootstrap:abc123', ['system:bootstrappers']) })],
  ])('is not for %s', async (_case, options) => {
    const { errors, connects } = await connect(await options())
    expect(errors[0]).toMatch(/refused the connection for streams with code 403/)
    expect(connects()).toBe(0)
    expect(streams.isConnected('n1')).toBe(false)
  })

  it('needs a certificate that is still good', async () => {
    const { errors } = await connect({ as: await nodeCredential('n1', -1000) })
    expect(errors[0]).toMatch(/code 401/)
  })

  it('ends when its certificate does', async () => {
    const connectFor = async (lifeMs: number): Promise<string[]> => {
      const { errors, connects } = await connect({ as: await nodeCredential('n1', lifeMs) })
      // On a slow machine it may be over before it is used.
      return connects() > 0 ? errors : connectFor(2 * lifeMs)
    }
    const errors = await connectFor(2_000)
    await eventually(() => errors.some((message) => message.includes('code 401')))
    expect(streams.isConnected('n1')).toBe(false)
  })

  it('is forgotten when it ends', async () => {
    await connect()
    expect(streams.isConnected('n1')).toBe(true)
    abort.abort()
    await eventually(() => !streams.isConnected('n1'))
  })
})
