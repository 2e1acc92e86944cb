/** Tokens of ServiceAccounts over HTTP: who gets them, whom they stand for, what ends them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../../lib/testing/eventually.js'
import { type TestCluster, testCluster } from '../../../lib/testing/test-cluster.js'
import { aTask, type Json, send, tasks } from '../../http/fixtures/requests.js'
import { WatchClient } from '../../http/fixtures/watch-client.js'

let cluster: TestCluster
beforeAll(async () => {
  cluster = await testCluster()
})
afterAll(() => cluster.close())

const accounts = '/api/v1/namespaces/default/serviceaccounts'
const issuer = 'https://millrace.default.svc'
let count = 0

async function anAccount(): Promise<string> {
  const name = `robot-${++count}`
  expect((await send(cluster, 'POST', accounts, { body: { metadata: { name } } })).code).toBe(201)
  return name
}
const request = (name: string, spec: object = {}, user?: string) =>
  send(cluster, 'POST', `${accounts}/${name}/token`, { body: { spec }, ...(user ? { user } : {}) })
async function tokenOf(name: string, spec: object = {}): Promise<string> {
  const { code, json } = await request(name, spec)
  expect(code).toBe(201)
  return json.status.token
}
const whoIs = (token: string) => send(cluster, 'POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body: {}, user: token })
const review = async (token: string, audiences?: string[]): Promise<Json> =>
  (await send(cluster, 'POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { spec: { token, audiences } } })).json

describe('a token', () => {
  it('makes its bearer the ServiceAccount, with its groups', async () => {
    const name = await anAccount()
    const { json: account } = await send(cluster, 'GET', `${accounts}/${name}`)
    const { code, json } = await whoIs(await tokenOf(name))
    expect([code, json.status.userInfo]).toEqual([
      201,
      {
        username: `system:serviceaccount:default:${name}`,
        uid: account.metadata.uid,
        groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
        extra: { 'authentication.kubernetes.io/credential-id': [expect.stringMatching(/^JTI=/)] },
      },
    ])
  })

  it('is answered with what was asked, and its end', async () => {
    const { json } = await request(await anAccount(), { expirationSeconds: 700, audiences: ['a', 'b'] })
    const nowMs = cluster.clock.now()
    expect(json).toMatchObject({
      kind: 'TokenRequest',
      spec: { audiences: ['a', 'b'], expirationSeconds: 700 },
      status: { token: expect.stringMatching(/^eyJ/), expirationTimestamp: new Date(nowMs + 700_000).toISOString().replace('.000', '') },
    })
    expect(JSON.parse(Buffer.from(json.status.token.split('.')[1], 'base64url').toString())).toMatchObject({
      iss: issuer,
      aud: ['a', 'b'],
      'kubernetes.io': { namespace: 'default' },
    })
  })

  it('ends at its time', async () => {
    const token = await tokenOf(await anAccount(), { expirationSeconds: 600 })
    await cluster.clock.advance(599_000)
    expect((await whoIs(token)).code).toBe(201)
    await cluster.clock.advance(1_000)
    expect((await whoIs(token)).code).toBe(401)
  })

  it('ends with its ServiceAccount, and another one of the name does not revive it; an open watch ends within a minute', async () => {
    const name = await anAccount()
    const token = await tokenOf(name, { expirationSeconds: 86_400 })
    await send(cluster, 'POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
      body: {
        metadata: { name },
        roleRef: { kind: 'ClusterRole', name: 'view' },
        subjects: [{ kind: 'ServiceAccount', name, namespace: 'default' }],
      },
    })
    const watch = await WatchClient.open(cluster.url, `${tasks}?watch=1`, { Authorization: `Bearer ${token}` })
    expect(watch.code).toBe(200)
    await send(cluster, 'DELETE', `${accounts}/${name}`)
    expect((await whoIs(token)).code).toBe(401)
    await send(cluster, 'POST', accounts, { body: { metadata: { name } } })
    expect((await whoIs(token)).code).toBe(401)
    await eventually(async () => {
      await cluster.clock.advance(60_000)
      expect(watch.events.at(-1)).toMatchObject({ type: 'ERROR', object: { code: 401 } })
    })
  })

  it.each([
    ['Secret', 'v1', '/api/v1/namespaces/default/secrets', { metadata: { name: 'bound' } }],
    ['Task', 'millrace.dev/v1', tasks, aTask('bound', { image: 'x' })],
  ])('ends with the %s that it is bound to', async (kind, apiVersion, path, body) => {
    const name = await anAccount()
    const { json } = await send(cluster, 'POST', path, { body })
    const boundObjectRef = { kind, apiVersion, name: 'bound' }
    const token = await tokenOf(name, { boundObjectRef: { ...boundObjectRef, uid: json.metadata.uid } })
    expect((await whoIs(token)).code).toBe(201)
    expect((await request(name, { boundObjectRef: { ...boundObjectRef, uid: 'another' } })).code).toBe(409)
    await send(cluster, 'DELETE', `${path}/bound`)
    expect((await whoIs(token)).code).toBe(401)
    expect((await request(name, { boundObjectRef })).code).toBe(404)
  })

  it('for others is none for this server, and a review tells whom it is for', async () => {
    const token = await tokenOf(await anAccount(), { audiences: ['vault', 'git'] })
    expect((await whoIs(token)).code).toBe(401)
    expect((await review(token)).status).toEqual({ authenticated: false, error: 'the token is not good here' })
    const reviewed = await review(token, ['git', 'mail'])
    expect(reviewed).toMatchObject({ spec: { audiences: ['git', 'mail'] }, status: { authenticated: true, audiences: ['git'] } })
    expect(JSON.stringify(reviewed)).not.toContain(token)
  })

  it.each([
    [{ expirationSeconds: 599 }, 'spec.expirationSeconds'],
    [{ expirationSeconds: 2 ** 33 }, 'spec.expirationSeconds'],
    [{ boundObjectRef: { kind: 'Node', apiVersion: 'v1', name: 'n' } }, 'spec.boundObjectRef.kind'],
  ])('is not made for %j', async (spec, field) => {
    expect((await request(await anAccount(), spec)).json).toMatchObject({ code: 422, details: { causes: [{ field }] } })
  })

  it('lives 90 days at most, and a warning says so', async () => {
    const { headers, json } = await request(await anAccount(), { expirationSeconds: 365 * 86_400 })
    expect(headers.get('warning')).toContain('shortened to 7776000 seconds')
    expect(json.spec.expirationSeconds).toBe(7_776_000)
  })

  it('is made for those alone who may, of a ServiceAccount that is there, and not in a dry run', async () => {
    const name = await anAccount()
    expect((await request(name, {}, 'ann')).json).toMatchObject({
      code: 403,
      message: expect.stringContaining('cannot create resource "serviceaccounts/token"'),
    })
    expect((await request('nobody')).code).toBe(404)
    const dry = await send(cluster, 'POST', `${accounts}/${name}/token?dryRun=All`, { body: {} })
    expect([dry.code, dry.json.status]).toEqual([201, undefined])
    expect((await send(cluster, 'GET', `${accounts}/${name}/token`)).code).toBe(405)
  })
})

it('others verify tokens by the published keys', async () => {
  const user = await tokenOf(await anAccount())
  const { json: configuration } = await send(cluster, 'GET', '/.well-known/openid-configuration', { user })
  expect(configuration).toMatchObject({ issuer, jwks_uri: `${issuer}/openid/v1/jwks`, id_token_signing_alg_values_supported: ['ES256'] })
  const { json: keySet } = await send(cluster, 'GET', '/openid/v1/jwks', { user })
  const { createLocalJWKSet, jwtVerify } = await import('jose')
  const currentDate = new Date(cluster.clock.now())
  const { payload } = await jwtVerify(user, createLocalJWKSet(keySet), { issuer, audience: issuer, currentDate })
  expect(payload.sub).toMatch(/^system:serviceaccount:default:robot-/)
  expect(JSON.stringify(keySet)).not.toContain('"d"')
  expect((await send(cluster, 'GET', '/openid/v1/jwks', { user: 'ann' })).code).toBe(403)
})

it('a ServiceAccount says nothing that is not done', async () => {
  const make = (body: object) => send(cluster, 'POST', `${accounts}?fieldValidation=Strict`, { body })
  expect((await make({ metadata: { name: 'mounting' }, automountServiceAccountToken: true })).code).toBe(422)
  expect((await make({ metadata: { name: 'pulling' }, imagePullSecrets: [{ name: 's' }] })).code).toBe(400)
  expect((await make({ metadata: { name: 'plain' }, automountServiceAccountToken: false, secrets: [{ name: 's' }] })).code).toBe(201)
})
