import 'reflect-metadata'
import { createHash, type webcrypto, X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ApiError, isForbidden } from '../../../lib/api/api-error.js'
import type { Kind } from '../../../lib/api/define-kind.js'
import { CertificateSigningRequest, nodeClientSigner } from '../../../lib/api/kinds/certificate-signing-request.js'
import { builtinKinds } from '../../../lib/api/kinds/index.js'
import { Namespace } from '../../../lib/api/kinds/namespace.js'
import { Node } from '../../../lib/api/kinds/node.js'
import { Secret } from '../../../lib/api/kinds/secret.js'
import { silentLogger } from '../../../lib/base/log.js'
import { eventually } from '../../../lib/testing/eventually.js'
import { ManualClock } from '../../../lib/testing/manual-clock.js'
import { createRegistry } from '../../registry/create-registry.js'
import type { Registry } from '../../registry/registry.js'
import { openMemoryStore } from '../../storage/open-memory-store.js'
import type { Store } from '../../storage/store.js'
import { findTokenUser, joinTokenKey, joinTokenType } from '../bootstrap/join-token.js'
import { createTokenRetirement } from '../bootstrap/retire-token.js'
import { newKeys, nodeSubject, type RequestParts, requestDer, requestField, toPem } from '../fixtures/certificate-request.js'
import { ensurePki, type Pki } from '../pki/ensure-pki.js'
import { keyHash } from '../pki/key-hash.js'
import type { UserInfo } from '../user.js'
import { csrPreparations } from './csr-signer.js'

const admin: UserInfo = { name: 'admin', groups: ['system:masters'] }
const secretPart = 'canarycanarycanarycanarycanary00'
const joining = (id: string): UserInfo => ({ name: `system:bootstrap:${id}`, groups: ['system:bootstrappers'] })
const node = (name: string): UserInfo => ({ name: `system:node:${name}`, groups: ['system:nodes'] })

let folder: string
let pki: Pki
let store: Store
let registry: Registry
let clock: ManualClock
let made = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'csr-'))
  pki = await ensurePki({ directory: folder })
})
afterAll(() => rm(folder, { recursive: true, force: true }))
beforeEach(async () => {
  clock = new ManualClock()
  const kinds = new Map(builtinKinds.map((kind) => [`${kind.group}/${kind.plural}`, kind]))
  store = await openMemoryStore({ clock, policyOf: (group, resource) => kinds.get(`${group}/${resource}`) })
  registry = createRegistry({ store, kinds: builtinKinds, clock, preparations: csrPreparations({ pki, store, clock }) })
  await create(Namespace, '', { metadata: { name: 'kube-system' } }, admin)
})
afterEach(() => store.close())

async function create(kind: object, namespace: string, value: object, user: UserInfo): Promise<Record<string, never>> {
  const context = {
    user,
    requestId: 'r',
    fieldManager: 'test',
    namesFieldManager: false,
    dryRun: false,
    fieldValidation: 'Strict',
    warn: () => {},
  } as const
  const { object } = await registry.create(kind as Kind, namespace, { value, duplicates: [] }, context)
  return JSON.parse(object.bytes.toString())
}

/** Stores a join token that is good for an hour. */
async function makeToken(id: string, nodeName?: string): Promise<string> {
  const token = `${id}.${secretPart}`
  const values = {
    'token-id': id,
    'token-hash': createHash('sha256').update(token).digest('hex'),
    expiration: new Date(clock.now() + 3600_000).toISOString(),
    ...(nodeName === undefined ? {} : { 'node-name': nodeName }),
  }
  await create(Secret, 'kube-system', { metadata: { name: `bootstrap-token-${id}` }, type: joinTokenType, stringData: values }, admin)
  return token
}

interface Asked {
  readonly user: UserInfo
  readonly parts?: RequestParts
  readonly request?: string
  readonly spec?: Record<string, unknown>
}

/** Asks for a certificate; resolves with the stored object. */
async function ask({ user, parts, request, spec }: Asked): Promise<CertificateSigningRequest> {
  const asked = {
    request: request ?? (await requestField(parts)),
    signerName: nodeClientSigner,
    usages: ['digital signature', 'client auth'],
    ...spec,
  }
  const stored = await create(CertificateSigningRequest, '', { metadata: { name: `csr-${++made}` }, spec: asked }, user)
  return stored as unknown as CertificateSigningRequest
}

function certificateOf(request: CertificateSigningRequest): X509Certificate {
  return new X509Certificate(Buffer.from(request.status?.certificate ?? '', 'base64'))
}

const errorOf = (asked: Promise<unknown>): Promise<ApiError> =>
  asked.then(
    () => Promise.reject(new Error('it was signed')),
    (error: unknown) => (error instanceof ApiError ? error : Promise.reject(error)),
  )

describe('a machine with a join token', () => {
  it('gets a client certificate for the name that it asks for, and nothing more', async () => {
    await makeToken('aaaaaa')
    const request = await ask({ user: joining('aaaaaa') })
    const certificate = certificateOf(request)
    expect(certificate.subject).toBe('O=system:nodes\nCN=system:node:n1')
    expect(certificate.verify(new X509Certificate(pki.authority.certificate).publicKey)).toBe(true)
    expect(certificate.ca).toBe(false)
    expect(certificate.subjectAltName).toBeUndefined()
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
    expect(Math.round((Date.parse(certificate.validTo) - Date.now()) / 86_400_000)).toBe(90)
    expect(request.status?.conditions).toMatchObject([{ type: 'Approved', status: 'True', reason: 'JoinedByToken' }])
    expect(request.spec.username).toBe('system:bootstrap:aaaaaa')
  })

  it('gets as long a certificate as it asks for', async () => {
    await makeToken('aaaaaa')
    const certificate = certificateOf(await ask({ user: joining('aaaaaa'), spec: { expirationSeconds: 600 } }))
    expect(Math.round((Date.parse(certificate.validTo) - Date.now()) / 60_000)).toBe(10)
  })

  it('may bring an RSA key', async () => {
    await makeToken('aaaaaa')
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]), modulusLength: 2048 }
    expect(certificateOf(await ask({ user: joining('aaaaaa'), parts: { algorithm } })).publicKey.asymmetricKeyType).toBe('rsa')
  })

  it('may ask again with the same key when the answer was lost, but not with another key or for another name', async () => {
    await makeToken('aaaaaa')
    const user = joining('aaaaaa')
    const keys = await newKeys()
    await ask({ user, parts: { keys } })
    expect(certificateOf(await ask({ user, parts: { keys } })).subject).toContain('system:node:n1')
    expect((await errorOf(ask({ user }))).message).toContain('the join token has been used')
    expect((await errorOf(ask({ user, parts: { keys, name: nodeSubject('n2') } }))).message).toContain('the join token has been used')
  })

  it('is one of two that use the same token at once', async () => {
    await makeToken('aaaaaa')
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => ask({ user: joining('aaaaaa') })))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const result of results) if (result.status === 'rejected') expect(isForbidden(result.reason)).toBe(true)
  })

  it('is one of two that ask for one name at once with tokens of their own', async () => {
    await Promise.all(['aaaaaa', 'bbbbbb', 'cccccc'].map((id) => makeToken(id)))
    const results = await Promise.allSettled(['aaaaaa', 'bbbbbb', 'cccccc'].map((id) => ask({ user: joining(id) })))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  it('is refused when the token has expired or is gone', async () => {
    await makeToken('aaaaaa')
    await clock.advance(3600_000)
    expect((await errorOf(ask({ user: joining('aaaaaa') }))).message).toContain('the join token is gone or has expired')
    expect((await errorOf(ask({ user: joining('zzzzzz') }))).message).toContain('the join token is gone or has expired')
  })

  it('is held to the name that the token names', async () => {
    await makeToken('aaaaaa', 'n2')
    expect((await errorOf(ask({ user: joining('aaaaaa') }))).message).toContain('the join token is for the node "n2" alone')
    expect(certificateOf(await ask({ user: joining('aaaaaa'), parts: { name: nodeSubject('n2') } })).subject).toContain('n2')
  })

  it('takes the name of an existing node only with a token that names it', async () => {
    await create(Node, '', { metadata: { name: 'n1' }, spec: {} }, admin)
    await makeToken('aaaaaa')
    expect((await errorOf(ask({ user: joining('aaaaaa') }))).message).toContain(
      'there is a node "n1" already. To let another machine take its name',
    )
    await makeToken('bbbbbb', 'n1')
    await ask({ user: joining('bbbbbb') })
  })

  it('does not take a name for which another key holds a certificate, though node, token and request are gone and the server is another', async () => {
    await makeToken('aaaaaa')
    await ask({ user: joining('aaaaaa') })
    const { group, plural: resource } = CertificateSigningRequest
    const requests = store.list({ group, resource }).objects.map(({ key }) => key)
    for (const key of [joinTokenKey('aaaaaa'), ...requests]) await store.write(key, deleteIt, { actor: 'admin', requestId: 'r' })
    registry = createRegistry({ store, kinds: builtinKinds, clock, preparations: csrPreparations({ pki, store, clock }) })
    await makeToken('bbbbbb')
    expect((await errorOf(ask({ user: joining('bbbbbb') }))).message).toContain('there is a node "n1" already')
    await ask({ user: joining('bbbbbb'), parts: { name: nodeSubject('n2') } })
  })

  it('loses its token when the certificate is first used', async () => {
    const token = await makeToken('aaaaaa')
    await makeToken('bbbbbb')
    const certificate = certificateOf(await ask({ user: joining('aaaaaa') }))
    const retire = createTokenRetirement({ store, log: silentLogger })
    retire('n1', 'the hash of another key')
    expect(findTokenUser(store, clock, token)?.name).toBe('system:bootstrap:aaaaaa')
    retire('n1', keyHash(certificate.publicKey))
    await eventually(() => store.get(joinTokenKey('aaaaaa')) === undefined)
    expect(findTokenUser(store, clock, token)).toBeUndefined()
    expect(store.get(joinTokenKey('bbbbbb'))).toBeDefined()
  })

  it('leaves its token nowhere', async () => {
    await makeToken('aaaaaa')
    await ask({ user: joining('aaaaaa') })
    const refusal = await errorOf(ask({ user: joining('aaaaaa') }))
    const secrets = store.list({ group: '', resource: 'secrets' }).objects
    const requests = store.list({ group: 'certificates.k8s.io', resource: 'certificatesigningrequests' }).objects
    expect([secrets.length, requests.length]).toEqual([1, 1])
    const seen = [...secrets, ...requests]
      .map(({ bytes }) => bytes.toString())
      .concat(JSON.stringify(refusal.toStatus()), String(refusal.stack))
    for (const text of seen) for (const word of [secretPart, Buffer.from(secretPart).toString('base64')]) expect(text).not.toContain(word)
  })
})

const deleteIt: Parameters<Store['write']>[1] = (current) => {
  if (!current) throw new Error('nothing to delete')
  const revision = `"resourceVersion":"${current.revision}",`
  const text = current.bytes.toString()
  const spliceAt = text.indexOf(revision)
  return { type: 'delete', draft: { uid: current.uid, bytes: Buffer.from(text.replace(revision, '')), spliceAt, facets: current.facets } }
}

describe('a node', () => {
  it('renews the certificate of its own name', async () => {
    await create(Node, '', { metadata: { name: 'n1' }, spec: {} }, admin)
    const request = await ask({ user: node('n1') })
    expect(certificateOf(request).subject).toContain('system:node:n1')
    expect(request.status?.conditions).toMatchObject([{ type: 'Approved', reason: 'RenewedByNode' }])
  })

  it.each([
    ['another node', node('n2')],
    ['an administrator', admin],
    ['the scheduler', { name: 'system:scheduler', groups: [] }],
    ['a user with the name of the node', { name: 'system:node:n1', groups: [] }],
    ['a user with the name of a token', { name: 'system:bootstrap:aaaaaa', groups: [] }],
  ])('is the only one that does: %s is refused', async (_case, user) => {
    await makeToken('aaaaaa')
    const error = await errorOf(ask({ user }))
    expect([error.reason, error.message]).toEqual([
      'Forbidden',
      expect.stringContaining('only node "n1" itself, or a machine with a join token'),
    ])
  })
})

describe('a request that is not exactly that of a node', () => {
  const extension = (...extensions: x509.Extension[]): RequestParts => ({ extensions })
  const named = (...name: x509.JsonName): RequestParts => ({ name })
  const o = { O: ['system:nodes'] }
  const cn = { CN: ['system:node:n1'] }

  it.each<[string, RequestParts, string]>([
    ['another group', named({ O: ['system:masters'] }, cn), 'must have O=system:nodes'],
    ['a second group', named(o, { O: ['system:masters'] }, cn), 'must have O=system:nodes'],
    ['a second group in one set', named({ O: ['system:nodes', 'system:masters'] }, cn), 'must have O=system:nodes'],
    ['no group', named(cn), 'must have O=system:nodes'],
    ['a user that is no node', named(o, { CN: ['admin'] }), 'must have one CN'],
    ['two users', named(o, cn, { CN: ['admin'] }), 'must have one CN'],
    ['no user', named(o), 'must have one CN'],
    ['a node without a name', named(o, { CN: ['system:node:'] }), 'must have one CN'],
    ['a name that is no name', named(o, { CN: ['system:node:../n1'] }), 'must have one CN'],
    ['a name in capitals', named(o, { CN: ['system:node:N1'] }), 'must have one CN'],
    ['a name with NUL', named(o, { CN: ['system:node:n1\0.evil'] }), 'must have one CN'],
    ['an organizational unit', named(o, { OU: ['x'] }, cn), 'nothing but O and CN'],
    ['a DNS name', extension(new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'localhost' }])), 'no alternative names'],
    ['an address', extension(new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])), 'no alternative names'],
    ['server usage', extension(new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth])), 'clientAuth alone'],
    ['usage as an authority', extension(new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign)), 'must not sign certificates'],
    ['the wish to be an authority', extension(new x509.BasicConstraintsExtension(true)), 'the extension 2.5.29.19 is not supported'],
    [
      'a challenge password',
      { attributes: [new x509.ChallengePasswordAttribute('x')] },
      'the attribute 1.2.840.113549.1.9.7 is not supported',
    ],
    ['a P-384 key', { algorithm: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' } }, 'the key must be P-256'],
    [
      'a short RSA key',
      { algorithm: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]), modulusLength: 1024 } },
      'the key must be P-256',
    ],
  ])('with %s is refused', async (_case, parts, why) => {
    await makeToken('aaaaaa')
    const error = await errorOf(ask({ user: joining('aaaaaa'), parts }))
    expect([error.code, error.message]).toEqual([422, expect.stringContaining(why)])
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['another signer', { signerName: 'kubernetes.io/kube-apiserver-client' }, 'spec.signerName'],
    ['no usages', { usages: undefined }, 'spec.usages'],
    ['no client usage', { usages: ['digital signature'] }, 'spec.usages'],
    ['server usage', { usages: ['client auth', 'server auth'] }, 'spec.usages'],
    ['signing usage', { usages: ['client auth', 'cert sign'] }, 'spec.usages'],
    ['too short a life', { expirationSeconds: 599 }, 'spec.expirationSeconds'],
    ['too long a life', { expirationSeconds: 366 * 86_400 }, 'spec.expirationSeconds'],
  ])('with %s is refused', async (_case, spec, field) => {
    await makeToken('aaaaaa')
    const error = await errorOf(ask({ user: joining('aaaaaa'), spec }))
    expect([error.code, error.details.causes?.[0]?.field]).toEqual([422, field])
  })

  it.each<[string, (der: Buffer) => string]>([
    ['nothing', () => ''],
    ['garbage', () => 'garbage'],
    ['a certificate', () => pki.authority.certificate],
    ['garbage in PEM', () => toPem(Buffer.from('garbage'))],
    ['half a request', (der) => toPem(der.subarray(0, der.length / 2))],
    ['a request under another label', (der) => toPem(der, 'NEW CERTIFICATE REQUEST')],
    ['two requests', (der) => toPem(der) + toPem(der)],
    ['text behind the request', (der) => `${toPem(der)}more`],
    ['nested sequences without end', () => toPem(Buffer.from('3080'.repeat(5000), 'hex'))],
    ['a length of gigabytes', () => toPem(Buffer.from('30847fffffff0201', 'hex'))],
    ['more than any request needs', (der) => toPem(Buffer.concat([der, Buffer.alloc(20_000)]))],
  ])('that is %s is refused', async (_case, make) => {
    await makeToken('aaaaaa')
    const request = Buffer.from(make(await requestDer())).toString('base64')
    const error = await errorOf(ask({ user: joining('aaaaaa'), request }))
    expect(error.code).toBe(422)
  })

  it('with any byte changed is refused, or is another valid request of the same node', async () => {
    await makeToken('aaaaaa')
    const keys = await newKeys()
    const der = await requestDer({ keys })
    const own = keyHash(certificateOf(await ask({ user: joining('aaaaaa'), parts: { keys } })).publicKey)
    let refused = 0
    for (let at = 0; at < der.length; at++) {
      const changed = Buffer.from(der)
      changed.writeUInt8(changed.readUInt8(at) ^ 0x01, at)
      const result = await ask({ user: joining('aaaaaa'), request: Buffer.from(toPem(changed)).toString('base64') }).catch(
        (error: unknown) => error,
      )
      if (result instanceof ApiError) refused++
      else if (result instanceof Error) throw result
      else
        expect([
          certificateOf(result as CertificateSigningRequest).subject,
          keyHash(certificateOf(result as CertificateSigningRequest).publicKey),
        ]).toEqual(['O=system:nodes\nCN=system:node:n1', own])
    }
    expect(refused).toBeGreaterThan(der.length * 0.95)
  })

  it('signed by another key than its own is refused', async () => {
    await makeToken('aaaaaa')
    const own = await newKeys()
    const other = await newKeys()
    const der = await requestDer({ keys: { publicKey: own.publicKey, privateKey: other.privateKey } as webcrypto.CryptoKeyPair })
    const error = await errorOf(ask({ user: joining('aaaaaa'), request: Buffer.from(toPem(der)).toString('base64') }))
    expect(error.message).toContain('the signature is not that of the key')
  })
})
