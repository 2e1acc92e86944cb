import { createHash, createPublicKey } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { isUnauthorized } from '../../lib/api/api-error.js'
import { printKey } from '../../lib/api/object-key.js'
import type { Clock } from '../../lib/base/clock.js'
import type { StoredObject } from '../storage/store.js'
import { createAuthenticator } from './authenticate.js'
import { joinTokenKey, joinTokenType } from './bootstrap/join-token.js'
import { ensurePki, type Pki, servingOptions } from './pki/ensure-pki.js'
import { generateKeyPem } from './pki/generate-key-pem.js'
import { writeKubeconfigs } from './pki/kubeconfig.js'
import { createServerTokens } from './tokens/server-tokens.js'

const nowMs = Date.parse('2026-03-01T00:00:00Z')
const clock: Clock = { now: () => nowMs, monotonic: () => 0, setTimer: () => ({ cancel: () => {} }) }
const token = `abc123.${'s'.repeat(32)}`

let data: string
let pki: Pki
let server: https.Server
const secrets = new Map<string, StoredObject>()

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'authenticate-'))
  pki = await ensurePki({ directory: join(data, 'pki') })
  await writeKubeconfigs(data, 'https://127.0.0.1:6443', pki)
  const { bearer } = await createServerTokens({ store: { get: (key) => secrets.get(printKey(key)) }, clock })
  const authenticator = createAuthenticator({ tokens: bearer })
  server = https.createServer(servingOptions(pki), (request, response) => {
    try {
      response.end(JSON.stringify(authenticator.authenticate(request)))
    } catch (error) {
      response.statusCode = isUnauthorized(error) ? 401 : 500
      response.end(String(error))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(async () => {
  server.close()
  await rm(data, { recursive: true, force: true })
})
beforeEach(() => {
  secrets.clear()
  storeToken({})
})

function storeToken(change: { data?: Record<string, string | undefined>; type?: string; metadata?: object }): void {
  const values = {
    'token-id': 'abc123',
    'token-hash': createHash('sha256').update(token).digest('hex'),
    expiration: '2026-03-01T00:00:01Z',
    ...change.data,
  }
  const encoded = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Buffer.from(value).toString('base64')]],
  )
  const secret = { type: change.type ?? joinTokenType, metadata: change.metadata ?? {}, data: Object.fromEntries(encoded) }
  const key = joinTokenKey('abc123')
  const facets = { labels: {}, fields: {}, owners: [], claims: [] }
  secrets.set(printKey(key), { key, revision: 1, createRevision: 1, uid: 'u', bytes: Buffer.from(JSON.stringify(secret)), facets })
}

async function ask(options: {
  path?: string
  cert?: string
  key?: string
  authorization?: string
  agent?: https.Agent
}): Promise<{ status: number; text: string; resumed: boolean }> {
  const request = https.request({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    path: options.path ?? '/api',
    ca: pki.authority.certificate,
    agent: options.agent ?? false,
    ...(options.cert ? { cert: options.cert, key: options.key } : {}),
    ...(options.authorization ? { headers: { authorization: options.authorization } } : {}),
  })
  request.end()
  const [response] = await once(request, 'response')
  let text = ''
  for await (const chunk of response) text += chunk
  return { status: response.statusCode, text, resumed: (response.socket as TLSSocket).isSessionReused() }
}

/** Each request on a connection of its own; later ones resume the TLS session of the first. */
const resuming = () => new https.Agent({ keepAlive: false, maxCachedSessions: 10 })

async function credentialOf(file: string) {
  const { user } = parse(await readFile(join(data, file), 'utf8')).users[0]
  const decode = (value: string) => Buffer.from(value, 'base64').toString()
  return { cert: decode(user['client-certificate-data']), key: decode(user['client-key-data']) }
}

async function issue(order: {
  commonName: string
  organizations: string[]
  usage?: 'server' | 'client'
  from?: number
  to?: number
  pki?: Pki
}) {
  const key = generateKeyPem()
  const cert = await (order.pki ?? pki).authority.issue({
    publicKey: createPublicKey(key),
    commonName: order.commonName,
    organizations: order.organizations,
    usage: order.usage ?? 'client',
    notBefore: new Date(Date.now() + (order.from ?? -60_000)),
    notAfter: new Date(Date.now() + (order.to ?? 3_600_000)),
  })
  return { cert, key }
}

describe('a TLS session that is resumed', () => {
  it.each([
    ['without a certificate, is of whom the token names', async () => ({ authorization: `Bearer ${token}` }), 'system:bootstrap:abc123'],
    ['with one, is of whom the certificate names', () => issue({ commonName: 'ann', organizations: [] }), 'ann'],
  ])('%s', async (_case, credential, name) => {
    const agent = resuming()
    const given = await credential()
    const answers = []
    for (let connection = 0; connection < 3; connection++) answers.push(await ask({ ...given, agent }))
    expect(answers.map(({ status, text }) => [status, JSON.parse(text).name])).toEqual(answers.map(() => [200, name]))
    expect(answers.at(-1)?.resumed).toBe(true)
    agent.destroy()
  })

  it('with a certificate of another authority, is nobody each time', async () => {
    const agent = resuming()
    const other = await ensurePki({ directory: join(data, 'resumed-other') })
    const given = await issue({ commonName: 'admin', organizations: ['system:masters'], pki: other })
    const answers = []
    for (let connection = 0; connection < 3; connection++) answers.push(await ask({ ...given, agent }))
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401])
    expect(answers.at(-1)?.resumed).toBe(true)
    agent.destroy()
  })
})

describe('a client certificate', () => {
  it.each([
    ['admin.kubeconfig', { name: 'admin', groups: ['system:masters', 'system:authenticated'] }],
    ['scheduler.kubeconfig', { name: 'system:scheduler', groups: ['system:authenticated'] }],
    ['controller-manager.kubeconfig', { name: 'system:controller-manager', groups: ['system:authenticated'] }],
  ])('of %s makes its user', async (file, user) => {
    expect(JSON.parse((await ask(await credentialOf(file))).text)).toEqual(user)
  })

  it('gives all its groups', async () => {
    const answer = await ask(await issue({ commonName: 'ann', organizations: ['a', 'b'] }))
    expect(JSON.parse(answer.text).groups).toEqual(['a', 'b', 'system:authenticated'])
  })

  it.each([
    ['has expired', () => issue({ commonName: 'admin', organizations: ['system:masters'], to: -1000 })],
    ['is not valid yet', () => issue({ commonName: 'admin', organizations: ['system:masters'], from: 30_000 })],
    ['is for servers', () => issue({ commonName: 'admin', organizations: ['system:masters'], usage: 'server' })],
    ['is the serving one', async () => ({ cert: pki.serving.certificate, key: pki.serving.key })],
    ['names nobody', () => issue({ commonName: '', organizations: ['system:masters'] })],
    [
      'is signed by another authority',
      async () =>
        issue({ commonName: 'admin', organizations: ['system:masters'], pki: await ensurePki({ directory: join(data, 'other') }) }),
    ],
  ])('that %s is 401, even where nobody needs one', async (_case, make) => {
    const credential = await make()
    expect((await ask(credential)).status).toBe(401)
    expect((await ask({ ...credential, path: '/healthz' })).status).toBe(401)
  })
})

describe('a join token', () => {
  it('makes its bearer a bootstrap user', async () => {
    const answer = await ask({ authorization: `Bearer ${token}` })
    expect(JSON.parse(answer.text)).toEqual({ name: 'system:bootstrap:abc123', groups: ['system:bootstrappers', 'system:authenticated'] })
  })

  it.each([
    ['has another secret', { given: `abc123.${'t'.repeat(32)}` }],
    ['has another id', { given: `abc124.${'s'.repeat(32)}` }],
    ['is the hash itself', { given: createHash('sha256').update(token).digest('hex') }],
    ['has expired', { data: { expiration: '2026-03-01T00:00:00Z' } }],
    ['has no end', { data: { expiration: undefined } }],
    ['has an end that is no time', { data: { expiration: 'soon' } }],
    ['has no hash', { data: { 'token-hash': undefined } }],
    ['has an empty hash', { data: { 'token-hash': '' } }],
    ['lies under the id of another', { data: { 'token-id': 'zzz999' } }],
    ['lies in a Secret of another type', { type: 'Opaque' }],
    ['is being deleted', { metadata: { deletionTimestamp: '2026-03-01T00:00:00Z' } }],
  ])('that %s is 401', async (_case, { given = token, ...change }: { given?: string } & Parameters<typeof storeToken>[0]) => {
    storeToken(change)
    const answer = await ask({ authorization: `Bearer ${given}` })
    expect(answer.status).toBe(401)
    expect(answer.text).not.toContain(given)
  })
})

describe('without a credential', () => {
  it.each(['/healthz', '/livez', '/readyz', '/readyz/store', '/version', '/version?timeout=32s'])('%s answers', async (path) => {
    expect(JSON.parse((await ask({ path })).text).name).toBe('system:anonymous')
  })

  it.each(['/', '/api', '/apis', '/metrics', '/healthzz', '/version/x', '//healthz', '/api/v1/nodes'])('%s is 401', async (path) => {
    expect((await ask({ path })).status).toBe(401)
  })

  it.each(['Basic YWRtaW46YWRtaW4=', 'Bearer', 'Bearer ', 'Bearer a b', 'abc', `Token ${token}`])(
    '"%s" is 401, never anonymous',
    async (authorization) => {
      expect((await ask({ authorization, path: '/healthz' })).status).toBe(401)
    },
  )
})
