/** Tokens that nobody gave: each byte changed, other algorithms, other keys. None is taken. */
import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { ServiceAccount } from '../../../lib/api/kinds/service-account.js'
import { ManualClock } from '../../../lib/testing/manual-clock.js'
import { aStored, storeOf } from '../fixtures/stored.js'
import { createServiceAccountTokens, type ServiceAccountTokens } from './service-account-tokens.js'
import { openSigningKeys, type SigningKeys } from './signing-keys.js'

const clock = new ManualClock()
const issuer = 'https://issuer.example'
const store = storeOf([aStored(ServiceAccount, { metadata: { namespace: 'default', name: 'robot' } })])
const claims = {
  iss: issuer,
  aud: [issuer],
  jti: 'j',
  nbf: clock.now() / 1000,
  exp: clock.now() / 1000 + 3600,
  'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'robot', uid: 'uid-of-robot' } },
}

let keys: SigningKeys
let tokens: ServiceAccountTokens
let good: string
beforeAll(async () => {
  keys = await openSigningKeys({ clock })
  tokens = createServiceAccountTokens({ keys, store, clock, issuer })
  good = await sign(claims)
})

const sign = (payload: object, header: object = {}, key = keys.current) =>
  new SignJWT({ ...payload }).setProtectedHeader({ alg: 'ES256', kid: keys.current.id, ...header }).sign(key.privateKey)
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

describe('a token', () => {
  it('as the server makes it is taken', () => {
    expect(tokens.verify(good)?.user.name).toBe('system:serviceaccount:default:robot')
  })

  it('with any character changed is not', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ '
    const changed = fc.record({ at: fc.nat(good.length - 1), to: fc.constantFrom(...alphabet) })
    fc.assert(
      fc.property(fc.array(changed, { minLength: 1, maxLength: 3 }), (changes) => {
        const letters = [...good]
        for (const { at, to } of changes) letters[at] = to
        const forged = letters.join('')
        fc.pre(forged !== good)
        expect(tokens.verify(forged)).toBeUndefined()
      }),
      { numRuns: 2_000 },
    )
    const [last = ''] = good.slice(-1)
    for (const letter of alphabet) if (letter !== last) expect(tokens.verify(good.slice(0, -1) + letter), letter).toBeUndefined()
  })

  it.each<[string, () => Promise<string> | string]>([
    ['without a signature', () => `${encode({ alg: 'none', kid: keys.current.id })}.${encode(claims)}.`],
    [
      'whose algorithm is none',
      () => `${encode({ alg: 'none', kid: keys.current.id })}.${encode(claims)}.${good.slice(good.lastIndexOf('.') + 1)}`,
    ],
    [
      'that is signed with the public key as a secret',
      () => {
        const text = `${encode({ alg: 'HS256', kid: keys.current.id })}.${encode(claims)}`
        const pem = keys.current.publicKey.export({ type: 'spki', format: 'pem' })
        return `${text}.${createHmac('sha256', pem).update(text).digest('base64url').padEnd(86, 'A')}`
      },
    ],
    ['of another key under the same id', async () => sign(claims, {}, (await openSigningKeys({ clock })).current)],
    ['of an unknown key', () => sign(claims, { kid: 'another' })],
    ['of a key that is named like a member of objects', () => sign(claims, { kid: '__proto__' })],
    ['without a key id', () => sign(claims, { kid: undefined })],
    ['of another issuer', () => sign({ ...claims, iss: 'https://other.example' })],
    ['for others', () => sign({ ...claims, aud: ['other'] })],
    ['for nobody', () => sign({ ...claims, aud: undefined })],
    ['without an end', () => sign({ ...claims, exp: undefined })],
    ['that has ended', () => sign({ ...claims, exp: claims.nbf })],
    ['that has not begun', () => sign({ ...claims, nbf: claims.exp })],
    ['of no ServiceAccount', () => sign({ ...claims, 'kubernetes.io': { namespace: 'default' } })],
    [
      'of an absent ServiceAccount',
      () => sign({ ...claims, 'kubernetes.io': { namespace: 'x', serviceaccount: { name: 'robot', uid: 'uid-of-robot' } } }),
    ],
    [
      'of an earlier ServiceAccount',
      () => sign({ ...claims, 'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'robot', uid: 'u' } } }),
    ],
    [
      'bound to what nobody knows',
      () => sign({ ...claims, 'kubernetes.io': { ...claims['kubernetes.io'], moon: { name: 'm', uid: 'u' } } }),
    ],
    ['that is huge', () => `${good.split('.')[0]}.${'A'.repeat(1_000_000)}.${'A'.repeat(86)}`],
  ])('%s is not', async (_what, make) => {
    expect(tokens.verify(await make())).toBeUndefined()
  })
})
