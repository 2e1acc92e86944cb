/**
 * Tokens of ServiceAccounts: signed, for certain audiences, with an end, and good only while the ServiceAccount with that uid
 * is there (and the object that the token is bound to). They are verified in the request's own turn, without waiting: a
 * signature takes some 100 µs, and is checked once for each token.
 */
import { createHash, type KeyObject, randomUUID, verify as verifySignature } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import { bindableResources } from '../../../lib/api/kinds/token-request.js'
import type { Clock } from '../../../lib/base/clock.js'
import type { Store } from '../../storage/store.js'
import { serviceAccountUser, type UserInfo } from '../user.js'
import type { SigningKeys } from './signing-keys.js'

/** An object that a token names, by what does not change. */
interface Named {
  readonly name: string
  readonly uid: string
}

export interface TokenOrder {
  readonly namespace: string
  readonly serviceAccount: Named
  /** `claim` as in bindableResources. */
  readonly bound?: Named & { readonly claim: string }
  readonly audiences: readonly string[]
  readonly lifeMs: number
}

export interface ServiceAccountTokens {
  readonly issuer: string
  issue(order: TokenOrder): Promise<{ token: string; expiresAtMs: number }>
  /** Who bears the token, and which of the audiences it is for; undefined when it is not good for any of them. */
  verify(token: string, audiences?: readonly string[]): { user: UserInfo; audiences: readonly string[] } | undefined
  /** The keys by which others verify tokens (RFC 7517). */
  keySet(): { keys: readonly object[] }
}

export interface TokenOptions {
  readonly keys: SigningKeys
  readonly store: Pick<Store, 'get'>
  readonly clock: Clock
  /** Who says so: the `iss` of every token, and its audience unless others are asked for. */
  readonly issuer: string
}

interface Claims {
  readonly iss?: unknown
  readonly aud?: unknown
  readonly exp?: unknown
  readonly nbf?: unknown
  readonly jti?: unknown
  readonly 'kubernetes.io'?: Record<string, unknown>
}

const maxTokenLength = 16 * 1024
const threeParts = /^[\w-]+\.[\w-]+\.[\w-]{86}$/

export function createServiceAccountTokens({ keys, store, clock, issuer }: TokenOptions): ServiceAccountTokens {
  const verified = new RecentSet(10_000)

  /** The claims of a token that one of our keys signed. */
  function signedClaims(token: string): Claims | undefined {
    if (token.length > maxTokenLength || !threeParts.test(token)) return undefined
    try {
      const { alg, kid, crit } = decodeProtectedHeader(token)
      const key = alg === 'ES256' && crit === undefined && typeof kid === 'string' ? keys.find(kid) : undefined
      if (!key) return undefined
      const id = createHash('sha256').update(token).digest('base64')
      if (!verified.has(id)) {
        if (!isSignedBy(token, key.publicKey)) return undefined
        verified.add(id)
      }
      return decodeJwt(token) as Claims
    } catch {
      return undefined
    }
  }

  function exists(key: { group: string; resource: string; namespace: string }, named: unknown): named is Named {
    const { name, uid } = (named ?? {}) as Partial<Named>
    if (typeof name !== 'string' || typeof uid !== 'string') return false
    const stored = store.get({ ...key, name })
    return stored?.uid === uid && !isBeingDeleted(stored.bytes)
  }

  return {
    issuer,
    async issue({ namespace, serviceAccount, bound, audiences, lifeMs }) {
      const nowSeconds = Math.floor(clock.now() / 1000)
      const expiresAtSeconds = nowSeconds + Math.floor(lifeMs / 1000)
      const { id, privateKey } = keys.current
      const about = { namespace, serviceaccount: serviceAccount, ...(bound ? { [bound.claim]: { name: bound.name, uid: bound.uid } } : {}) }
      const token = await new SignJWT({ 'kubernetes.io': about })
        .setProtectedHeader({ alg: 'ES256', kid: id })
        .setIssuer(issuer)
        .setSubject(serviceAccountUser(namespace, serviceAccount.name).name)
        .setAudience([...audiences])
        .setJti(randomUUID())
        .setIssuedAt(nowSeconds)
        .setNotBefore(nowSeconds)
        .setExpirationTime(expiresAtSeconds)
        .sign(privateKey)
      return { token, expiresAtMs: expiresAtSeconds * 1000 }
    },

    verify(token, audiences = [issuer]) {
      const claims = signedClaims(token)
      if (claims?.iss !== issuer || typeof claims.exp !== 'number' || typeof claims.nbf !== 'number' || typeof claims.jti !== 'string')
        return undefined
      const nowMs = clock.now()
      if (nowMs >= claims.exp * 1000 || nowMs < claims.nbf * 1000) return undefined
      const intended = audiences.filter((audience) => Array.isArray(claims.aud) && claims.aud.includes(audience))
      const { namespace, serviceaccount, ...bound } = claims['kubernetes.io'] ?? {}
      if (intended.length === 0 || typeof namespace !== 'string') return undefined
      if (!exists({ group: '', resource: 'serviceaccounts', namespace }, serviceaccount)) return undefined
      for (const [claim, named] of Object.entries(bound)) {
        const target = Object.values(bindableResources).find((candidate) => candidate.claim === claim)
        if (!target || !exists({ group: target.group, resource: target.resource, namespace }, named)) return undefined
      }
      const user = serviceAccountUser(namespace, serviceaccount.name)
      const extra = { 'authentication.kubernetes.io/credential-id': [`JTI=${claims.jti}`] }
      return { user: { ...user, uid: serviceaccount.uid, extra }, audiences: intended }
    },

    keySet: () => ({ keys: keys.all().map(({ jwk }) => jwk) }),
  }
}

/** Whether the third part is the key's signature of the other two, in its one way to be written. */
function isSignedBy(token: string, key: KeyObject): boolean {
  const end = token.lastIndexOf('.')
  const text = token.slice(end + 1)
  const signature = Buffer.from(text, 'base64url')
  if (signature.toString('base64url') !== text) return false
  return verifySignature('sha256', Buffer.from(token.slice(0, end)), { key, dsaEncoding: 'ieee-p1363' }, signature)
}

/** The bytes are parsed only where the words are in them at all. */
function isBeingDeleted(bytes: Buffer): boolean {
  if (!bytes.includes('"deletionTimestamp"')) return false
  return Boolean((JSON.parse(bytes.toString()) as { metadata: { deletionTimestamp?: string } }).metadata.deletionTimestamp)
}

/** Remembers the last so many values. */
class RecentSet {
  readonly #values = new Set<string>()
  constructor(readonly limit: number) {}

  has(value: string): boolean {
    return this.#values.has(value)
  }

  add(value: string): void {
    this.#values.add(value)
    if (this.#values.size <= this.limit) return
    const [oldest] = this.#values
    if (oldest !== undefined) this.#values.delete(oldest)
  }
}
