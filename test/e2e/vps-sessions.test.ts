import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Vps } from '../../lib/api/kinds/vps.js'
import { createClient } from '../../lib/client/create-client.js'
import { writeKubeconfig } from '../../lib/client/kubeconfig/write-kubeconfig.js'
import { resourcePath } from '../../lib/client/resource-path.js'
import { type ChannelLink, channels, messagesOf, writeMessage } from '../../lib/stream/channel-link.js'
import { dialNodeStreams } from '../../lib/stream/dial-node-streams.js'
import { FramedChannels } from '../../lib/stream/framed-channels.js'
import { eventually } from '../../lib/testing/eventually.js'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'
import { pemOf } from './raw-upgrade.js'

let cluster: TestCluster
let asked: URL[] = []
let listens = true
const abort = new AbortController()
let dialling: Promise<void>

/** An agent that answers every session with what it is asked, and what it hears, in capitals. */
beforeAll(async () => {
  cluster = await testCluster({ tls: true })
  const config = await cluster.configOf('system:node:n1', ['system:nodes'])
  const pem = (source: typeof config.ca) => (source && 'data' in source ? source.data : '')
  let isConnected = false
  dialling = dialNodeStreams({
    server: cluster.url,
    path: '/apis/millrace.dev/v1/nodestreams/n1',
    tls: () => ({ ca: pem(config.ca), cert: pem(config.certificate), key: pem(config.key) }),
    onConnected: () => {
      isConnected = true
    },
    signal: abort.signal,
    onRequest: async ({ path }, stream) => {
      const url = new URL(path, 'http://node')
      asked.push(url)
      if (url.pathname.startsWith('/portforward/') && !listens) {
        stream.respond({ ':status': 400 })
        return void stream.end('nothing listens on port 22')
      }
      stream.respond({ ':status': 200 })
      if (url.pathname.startsWith('/logs/') || url.pathname.startsWith('/portforward/')) return void stream.end(`${url.pathname}\n`)
      const link = new FramedChannels(stream)
      for await (const { channel, bytes } of messagesOf(link)) {
        if (channel === channels.stdin && !bytes) break
        if (channel === channels.stdin)
          await writeMessage(link, { channel: channels.stdout, bytes: Buffer.from(String(bytes).toUpperCase()) })
      }
      await writeMessage(link, { channel: channels.error, bytes: Buffer.from('{"exitCode":3}') })
      link.end()
    },
  })
  await eventually(() => isConnected)
  await cluster.client.of(Vps).create({ metadata: { name: 'machine' }, spec: { backend: 'qemu', image: 'debian', nodeName: 'n1' } })
  await cluster.client.of(Vps).create({ metadata: { name: 'box' }, spec: { image: 'debian', nodeName: 'n1' } })
})
afterAll(async () => {
  abort.abort()
  await dialling
  await cluster.close()
})
beforeEach(async () => {
  asked = []
  for (const name of ['machine', 'box']) await report(name, { phase: 'Running', startedAt: '2026-01-01T00:00:00Z' })
})

const report = (name: string, status: Vps['status']) => cluster.client.of(Vps).mergePatch({ name }, { status }, { subresource: 'status' })
const open = (name: string, subresource: string, query = ''): Promise<ChannelLink> =>
  cluster.client.channels(`${resourcePath(Vps, { namespace: 'default', name, subresource })}${query}`, AbortSignal.timeout(30_000))

async function converse(link: ChannelLink, words: string): Promise<{ said: string; status: { reason?: string; details?: unknown } }> {
  await writeMessage(link, { channel: channels.stdin, bytes: Buffer.from(words) })
  await writeMessage(link, { channel: channels.stdin, bytes: undefined })
  let said = ''
  let status = {}
  for await (const { channel, bytes } of messagesOf(link)) {
    if (channel === channels.error && bytes) status = JSON.parse(bytes.toString())
    else said += bytes ?? ''
  }
  link.destroy()
  return { said, status }
}

describe('a session with a Vps', () => {
  it.each([
    ['exec', 'box', '?command=sh&stdin=true'],
    ['console', 'machine', ''],
  ])('%s is carried to its agent, as that of a Vps, with the exit code', async (type, name, query) => {
    const { metadata } = await cluster.client.of(Vps).get({ name })
    const { said, status } = await converse(await open(name, type, query), 'hello')
    expect({ said, reason: status.reason }).toEqual({ said: 'HELLO', reason: 'NonZeroExitCode' })
    const [url] = asked
    expect(url?.pathname).toBe(`/${type}/default/${name}`)
    expect(Object.fromEntries(url?.searchParams ?? [])).toMatchObject({ kind: 'Vps', uid: metadata.uid, attempt: '0' })
  })

  it('the log and the ports are asked of the same', async () => {
    const link = await open('box', 'portforward', '?ports=22')
    let said = ''
    for await (const { channel, bytes } of messagesOf(link)) if (channel === 0) said += bytes?.subarray(said === '' ? 2 : 0) ?? ''
    link.destroy()
    const path = `${resourcePath(Vps, { namespace: 'default', name: 'box', subresource: 'log' })}?tailLines=3`
    const response = await cluster.client.raw({ method: 'GET', path, signal: AbortSignal.timeout(30_000) })
    for await (const chunk of response.body) said += Buffer.from(chunk)
    expect(said).toContain('/logs/default/box\n')
    expect(asked.map(({ searchParams }) => searchParams.get('kind'))).toEqual(['Vps', 'Vps'])
    expect(asked.map(({ searchParams }) => searchParams.get('port') ?? searchParams.get('tailLines'))).toEqual(['22', '3'])
  })

  it.each([
    ['a console of a container', 'box', 'console', '', 'vps "box" is a container and has no console'],
    ['a parameter of the console', 'machine', 'console', '?tty=true', 'console has no parameter "tty"'],
    ['input to what its first process says', 'box', 'attach', '?stdin=true', 'vps "box" has no open input'],
  ])('is refused: %s', async (_case, name, type, query, message) => {
    await expect(open(name, type, query)).rejects.toThrow(message)
    expect(asked).toEqual([])
  })

  it('is refused while it does not run, with what would start it', async () => {
    await report('box', { phase: 'Stopped' })
    await expect(open('box', 'exec', '?command=sh')).rejects.toThrow(
      'vps "box" is not running: its phase is Stopped (spec.running starts it)',
    )
  })

  it('has a log without times, of its present run', async () => {
    const path = (query: string) => `${resourcePath(Vps, { namespace: 'default', name: 'box', subresource: 'log' })}?${query}`
    const read = (query: string) => cluster.client.raw({ method: 'GET', path: path(query), signal: AbortSignal.timeout(30_000) })
    await expect(read('timestamps=true')).rejects.toThrow('the log of a Vps has no parameter "timestamps"')
    await expect(read('previous=true')).rejects.toThrow('the log of a Vps has no parameter "previous"')
    await cluster.client.of(Vps).create({ metadata: { name: 'new' }, spec: { image: 'debian' } })
    const early = cluster.client.raw({ method: 'GET', path: path('').replace('box', 'new'), signal: AbortSignal.timeout(30_000) })
    await expect(early).rejects.toThrow('vps "new" is waiting to start: it is not bound to a node')
  })

  it('is opened by whoever may create it, and by nobody else', async () => {
    const ann = createClient(await cluster.configOf('ann'))
    for (const type of ['exec', 'attach', 'portforward', 'console'])
      await expect(
        ann.channels(resourcePath(Vps, { namespace: 'default', name: 'machine', subresource: type }), AbortSignal.timeout(30_000)),
      ).rejects.toThrow(`cannot get resource "vpses/${type}"`)
  })
})

describe('a port-forward of kubectl-lite to a Vps', () => {
  it('goes on after a connection was refused, and after its target was stopped and started', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'vps-forward-'))
    const kubeconfig = path.join(folder, 'kubeconfig')
    const { ca, cert, key } = pemOf(cluster.admin)
    const base64 = (pem: string) => Buffer.from(pem).toString('base64')
    await writeKubeconfig(kubeconfig, {
      clusters: [{ name: 'c', cluster: { server: cluster.url, 'certificate-authority-data': base64(ca) } }],
      users: [{ name: 'u', user: { 'client-certificate-data': base64(cert), 'client-key-data': base64(key) } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    })
    const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
    const main = path.resolve(import.meta.dirname, '../../kubectl-lite/main.ts')
    const child = spawn(process.execPath, ['--import', tsx, main, '--kubeconfig', kubeconfig, 'port-forward', 'vps/box', ':22'])
    let told = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        told += chunk
      })
    const ended = once(child, 'exit')
    try {
      await eventually(() => /:(\d+) -> 22/.test(told))
      const port = Number(/:(\d+) -> 22/.exec(told)?.[1])
      const connect = async () => {
        let said = ''
        const socket = net.connect(port, '127.0.0.1').on('data', (chunk) => {
          said += chunk
        })
        await new Promise((resolve) => socket.on('error', () => {}).once('close', resolve))
        return said
      }
      expect(await connect()).toBe('/portforward/default/box\n')
      listens = false
      expect(await connect()).toBe('')
      await eventually(() => told.includes('nothing listens on port 22'))
      listens = true
      expect(await connect()).toBe('/portforward/default/box\n')
      await report('box', { phase: 'Stopped' })
      expect(await connect()).toBe('')
      await eventually(() => told.includes('vps "box" is not running: its phase is Stopped'))
      await report('box', { phase: 'Running' })
      expect(await connect()).toBe('/portforward/default/box\n')
    } finally {
      child.kill()
      await ended
      await rm(folder, { recursive: true })
    }
  })
})

describe('the eviction of a Vps', () => {
  const evict = (name: string, deleteOptions: object = {}) =>
    cluster.client.raw({
      method: 'POST',
      path: resourcePath(Vps, { namespace: 'default', name, subresource: 'eviction' }),
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name }, deleteOptions }),
      signal: AbortSignal.timeout(30_000),
    })

  it('stops it, where it is, with the time that it was promised', async () => {
    await expect(evict('box', { gracePeriodSeconds: 1 })).rejects.toThrow(
      'a Vps has the time that spec.terminationGracePeriodSeconds gives it: 30',
    )
    const before = await cluster.client.of(Vps).get({ name: 'box' })
    await evict('box')
    const { metadata, spec, status } = await cluster.client.of(Vps).get({ name: 'box' })
    expect({ ...spec, phase: status?.phase }).toMatchObject({ running: false, nodeName: 'n1', phase: 'Running' })
    expect(metadata.generation).toBe((before.metadata.generation ?? 0) + 1)
    await evict('box')
    expect((await cluster.client.of(Vps).get({ name: 'box' })).metadata.resourceVersion).toBe(metadata.resourceVersion)
  })
})
