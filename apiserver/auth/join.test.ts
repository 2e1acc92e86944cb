/** A machine joins a cluster in a data directory, over HTTPS, and works as a node; and what is secret stays where it belongs. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parse } from 'yaml'
import { builtinKinds } from '../../lib/api/kinds/index.js'
import { systemClock } from '../../lib/base/clock.js'
import { dialNodeStreams } from '../../lib/stream/dial-node-streams.js'
import { eventually } from '../../lib/testing/eventually.js'
import type { Apiserver } from '../server.js'
import { startSecureApiserver } from '../start-secure-apiserver.js'
import { openSqliteStore } from '../storage/open-sqlite-store.js'
import type { Store } from '../storage/store.js'
import { joinTokenType } from './bootstrap/join-token.js'
import { newKeys, nodeSubject, requestField } from './fixtures/certificate-request.js'
import { ensurePki } from './pki/ensure-pki.js'
import { writeKubeconfigs } from './pki/kubeconfig.js'

const token = `abc123.${'tokencanary'.repeat(3).slice(0, 32)}`
const secretValue = 'secret-value-canary'

let data: string
let store: Store
let server: Apiserver
let admin: Credential
let ca: string
let logged = ''
const stop = new AbortController()

interface Credential {
  readonly cert?: string
  readonly key?: string
  readonly authorization?: string
}

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'join-'))
  const log = pino(
    { level: 'trace' },
    new Writable({
      write: (chunk, _encoding, done) => {
        logged += chunk
        done()
      },
    }),
  )
  const kinds = new Map(builtinKinds.map((kind) => [`${kind.group}/${kind.plural}`, kind]))
  const clock = systemClock
  const pki = await ensurePki({ directory: join(data, 'apiserver/pki') })
  store = await openSqliteStore({
    directory: join(data, 'apiserver'),
    policyOf: (group, resource) => kinds.get(`${group}/${resource}`),
    clock,
    logger: log,
  })
  server = await startSecureApiserver({ store, clock, log, host: '127.0.0.1', port: 0, pki })
  await writeKubeconfigs(data, `https://127.0.0.1:${server.port}`, pki)
  ca = pki.authority.certificate
  const { user } = parse(await readFile(join(data, 'admin.kubeconfig'), 'utf8')).users[0]
  const decode = (text: string) => Buffer.from(text, 'base64').toString()
  admin = { cert: decode(user['client-certificate-data']), key: decode(user['client-key-data']) }
})
afterAll(async () => {
  stop.abort()
  await server.close()
  await store.close()
  await rm(data, { recursive: true, force: true })
})

async function ask(as: Credential, method: string, path: string, body?: object): Promise<{ code: number; text: string }> {
  const { authorization, ...certificate } = as
  const headers = { ...(body ? { 'content-type': 'application/json' } : {}), ...(authorization ? { authorization } : {}) }
  const request = https.request(`https://127.0.0.1:${server.port}${path}`, { method, headers, agent: false, ca, ...certificate })
  request.end(body ? JSON.stringify(body) : undefined)
  const [response] = await once(request, 'response')
  let text = ''
  for await (const chunk of response) text += chunk
  return { code: response.statusCode, text }
}

const joining = { authorization: `Bearer ${token}` }
const requests = '/apis/certificates.k8s.io/v1/certificatesigningrequests'

/** Asks for a certificate with a new key. */
async function askCertificate(as: Credential, node: string, name: string): Promise<{ code: number; credential: Credential }> {
  const keys = await newKeys()
  const spec = {
    request: await requestField({ keys, name: nodeSubject(node) }),
    signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
    usages: ['client auth'],
  }
  const { code, text } = await ask(as, 'POST', requests, { metadata: { name }, spec })
  const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey as never)).toString('base64')
  const certificate = JSON.parse(text).status?.certificate ?? ''
  return {
    code,
    credential: {
      cert: Buffer.from(certificate, 'base64').toString(),
      key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
    },
  }
}

it('a machine joins with a token, works as its node and renews its certificate; nothing secret is left behind', async () => {
  const stringData = {
    'token-id': 'abc123',
    'token-hash': createHash('sha256').update(token).digest('hex'),
    expiration: '2999-01-01T00:00:00Z',
  }
  const secrets = '/api/v1/namespaces/kube-system/secrets'
  expect((await ask(admin, 'POST', secrets, { metadata: { name: 'bootstrap-token-abc123' }, type: joinTokenType, stringData })).code).toBe(
    201,
  )

  // The token opens its own request for a certificate, and nothing else.
  const joined = await askCertificate(joining, 'n1', 'join-n1')
  expect(joined.code).toBe(201)
  expect((await ask(joining, 'GET', `${requests}/join-n1`)).code).toBe(200)
  for (const path of [secrets, requests, '/api/v1/nodes/n1', '/apis/millrace.dev/v1/tasks'])
    expect((await ask(joining, 'GET', path)).code).toBe(403)
  expect((await askCertificate(joining, 'n2', 'join-n2')).code).toBe(403)

  // With the certificate the token is gone.
  const node = joined.credential
  expect((await ask(node, 'POST', '/api/v1/nodes', { metadata: { name: 'n1' }, spec: {} })).code).toBe(201)
  await eventually(async () => (await ask(joining, 'GET', `${requests}/join-n1`)).code === 401)
  expect((await ask(admin, 'GET', `${secrets}/bootstrap-token-abc123`)).code).toBe(404)

  // The node reads what its Task names.
  for (const name of ['named', 'unnamed'])
    await ask(admin, 'POST', '/api/v1/namespaces/default/secrets', { metadata: { name }, stringData: { value: secretValue } })
  const spec = { image: 'busybox', nodeName: 'n1', envFrom: [{ secretRef: { name: 'named' } }] }
  expect((await ask(admin, 'POST', '/apis/millrace.dev/v1/namespaces/default/tasks', { metadata: { name: 'hello' }, spec })).code).toBe(201)
  expect((await ask(node, 'GET', '/api/v1/namespaces/default/secrets/named')).text).toContain(Buffer.from(secretValue).toString('base64'))
  expect((await ask(node, 'GET', '/api/v1/namespaces/default/secrets/unnamed')).code).toBe(403)

  // It answers for the log of its Task over the connection that it has dialled.
  void dialNodeStreams({
    server: `https://127.0.0.1:${server.port}`,
    path: '/apis/millrace.dev/v1/nodestreams/n1',
    tls: () => ({ ca, cert: node.cert ?? '', key: node.key ?? '' }),
    onRequest: ({ path }, stream) => {
      stream.respond({ ':status': 200 })
      stream.end(`the log at ${path.split('?')[0]}\n`)
    },
    signal: stop.signal,
  })
  const log = '/apis/millrace.dev/v1/namespaces/default/tasks/hello/log'
  expect((await ask(admin, 'GET', log)).text).toContain('task \\"hello\\" is waiting to start')
  const current = JSON.parse((await ask(node, 'GET', '/apis/millrace.dev/v1/namespaces/default/tasks/hello')).text)
  const status = { status: { ...current.status, phase: 'Running', startedAt: '2026-01-01T00:00:00Z' } }
  expect((await ask(node, 'PUT', '/apis/millrace.dev/v1/namespaces/default/tasks/hello/status', { ...current, ...status })).code).toBe(200)
  await eventually(async () => expect(await ask(admin, 'GET', log)).toEqual({ code: 200, text: 'the log at /logs/default/hello\n' }))
  expect((await ask(node, 'GET', log)).code).toBe(403)

  // It renews its own certificate, and no other.
  const renewed = await askCertificate(node, 'n1', 'renew-n1')
  expect([renewed.code, (await ask(renewed.credential, 'GET', '/api/v1/nodes/n1')).code]).toEqual([201, 200])
  expect((await askCertificate(node, 'n2', 'steal-n2')).code).toBe(403)

  // Values, tokens and keys are in no file but credential files, and in no log line.
  const canaries = [
    token,
    token.slice(7),
    secretValue,
    (await readFile(join(data, 'apiserver/pki/ca.key'), 'utf8')).split('\n')[1] ?? 'no key',
  ]
  const words = canaries.flatMap((word) => [word, Buffer.from(word).toString('base64').replace(/=+$/, '')])
  const files = (await readdir(data, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  const open = files.filter((path) => !/\.(key|kubeconfig)$/.test(path))
  expect(open.some((path) => path.endsWith('millrace.db-wal') || path.endsWith('millrace.db'))).toBe(true)
  for (const path of open) {
    const bytes = await readFile(path)
    for (const word of words) expect(bytes.includes(word), `${word} in ${path}`).toBe(false)
  }
  expect(logged).toContain('the agent is connected')
  for (const word of words) expect(logged).not.toContain(word)

  // It ends in order, although the agent dials again as soon as its connection has ended.
  await server.stop(1_000)
})
