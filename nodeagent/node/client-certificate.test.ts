import { createHash, X509Certificate } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { isForbidden } from '../../lib/api/api-error.js'
import { Node } from '../../lib/api/kinds/node.js'
import { Secret } from '../../lib/api/kinds/secret.js'
import { silentLogger } from '../../lib/base/log.js'
import type { Client } from '../../lib/client/client.js'
import { createClient } from '../../lib/client/create-client.js'
import { loadKubeconfig } from '../../lib/client/kubeconfig/load-kubeconfig.js'
import { eventually } from '../../lib/testing/eventually.js'
import { ManualClock } from '../../lib/testing/manual-clock.js'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'
import { agentFlags } from '../agent-flags.js'
import { startNodeAgent } from '../start-node-agent.js'
import { agentKubeconfig, hasJoined, JoinError, joinCluster, joinedName, keepCertificate, renewAtMs } from './client-certificate.js'

let cluster: TestCluster
let admin: Client
let ca: string
let directory: string
let tokens = 0

beforeAll(async () => {
  cluster = await testCluster({ tls: true })
  admin = createClient(cluster.admin)
  ca = cluster.admin.ca && 'data' in cluster.admin.ca ? cluster.admin.ca.data : ''
})
afterAll(async () => {
  await admin.close()
  await cluster.close()
})
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'mr-join-'))
})
afterEach(async () => await rm(directory, { recursive: true, force: true }))

async function makeToken(nodeName: string, expiresInMs = 60_000): Promise<string> {
  const id = `abc${String(++tokens).padStart(3, '0')}`
  const token = `${id}.${'s'.repeat(32)}`
  await admin.of(Secret).create({
    metadata: { namespace: 'kube-system', name: `bootstrap-token-${id}` },
    type: 'bootstrap.kubernetes.io/token',
    stringData: {
      'token-id': id,
      'token-hash': createHash('sha256').update(token).digest('hex'),
      expiration: new Date(cluster.clock.now() + expiresInMs).toISOString(),
      'node-name': nodeName,
    },
  })
  const file = path.join(directory, 'token')
  await writeFile(file, `${token}\n`, { mode: 0o600 })
  return file
}
const join = (nodeName: string, tokenFile: string) =>
  joinCluster({ directory, nodeName, server: cluster.url, ca, tokenFile, log: silentLogger }, AbortSignal.timeout(10_000))
const certificate = () => readFile(path.join(directory, 'pki/client.pem'), 'utf8')

it('a machine with a token becomes the node, and nothing of the token is kept', async () => {
  const tokenFile = await makeToken('joiner')
  await join('joiner', tokenFile)
  expect(hasJoined(directory)).toBe(true)
  expect(await joinedName(directory)).toBe('joiner')
  const pem = await certificate()
  expect(new X509Certificate(pem).subject.split('\n').sort()).toEqual(['CN=system:node:joiner', 'O=system:nodes'])
  const { config } = await loadKubeconfig({ env: {}, home: '/', kubeconfig: agentKubeconfig(directory) })
  const client = createClient(config)
  await client.of(Node).create({ metadata: { name: 'joiner' }, spec: {} })
  await expect(client.of(Node).create({ metadata: { name: 'other' }, spec: {} })).rejects.toSatisfy(isForbidden)
  await client.close()
  await rm(tokenFile)
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = path.join(entry.parentPath, entry.name)
    expect((await stat(file)).mode & 0o777, file).toBe(0o600)
    expect(await readFile(file, 'utf8')).not.toContain('ssssssss')
  }
  expect(await readdir(path.join(directory, 'pki'))).toEqual(['client.pem'])
})

it.each([
  ['a token for another node', 'other-node', 60_000, 'does not let this machine join as expected-node'],
  ['an expired token', 'expected-node', -1000, 'is not valid: it is wrong, expired or used up'],
])('%s is refused in a sentence', async (_what, tokenFor, expiresInMs, words) => {
  const tokenFile = await makeToken(tokenFor, expiresInMs)
  const joining = join('expected-node', tokenFile)
  await expect(joining).rejects.toThrow(JoinError)
  await expect(joining).rejects.toThrow(words)
  expect(hasJoined(directory)).toBe(false)
})

it('a token file that is not there is a sentence', async () => {
  await expect(join('n', path.join(directory, 'absent'))).rejects.toThrow('kubectl-lite join-token')
})

it('the certificate is renewed at two thirds of its life, with a new key, and works', async () => {
  await join('renewer', await makeToken('renewer'))
  const before = await certificate()
  const clock = new ManualClock(renewAtMs(before) - 5_000)
  const { config } = await loadKubeconfig({ env: {}, home: '/', kubeconfig: agentKubeconfig(directory) })
  const client = createClient(config)
  const ending = new AbortController()
  const keeping = keepCertificate({ client, clock, log: silentLogger, directory, nodeName: 'renewer' }, ending.signal)
  await eventually(() => expect(clock.timers).toBe(1))
  expect(await certificate()).toBe(before)
  await clock.advance(5_000)
  const after = await eventually(async () => {
    const pem = await certificate()
    expect(pem).not.toBe(before)
    return pem
  })
  ending.abort()
  await keeping
  const [oldKey, newKey] = [before, after].map((pem) => new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'pem' }))
  expect(newKey).not.toBe(oldKey)
  expect(new X509Certificate(after).subject).toBe(new X509Certificate(before).subject)
  await client.of(Node).create({ metadata: { name: 'renewer' }, spec: {} })
  await client.close()
})

it('a machine that has joined is no other node', async () => {
  await join('settled', await makeToken('settled'))
  const flags = agentFlags(['--data-dir', directory, '--node-name', 'else'])
  if ('help' in flags) throw new Error('no help was asked for')
  const started = startNodeAgent(flags, '/usr/bin:/bin', silentLogger, { ending: AbortSignal.abort(), replaced: AbortSignal.abort() })
  await expect(started).rejects.toThrow('has joined as the node settled')
})
