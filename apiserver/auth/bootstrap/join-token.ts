/**
 * Join tokens: `ID.SECRET`, by which a machine asks once for the certificate of a node. The cluster keeps only a hash, in the Secret
 * bootstrap-token-ID of kube-system.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { ObjectKey } from '../../../lib/api/object-key.js'
import type { Clock } from '../../../lib/base/clock.js'
import type { Store, StoredObject } from '../../storage/store.js'
import { bootstrappersGroup, type UserInfo } from '../user.js'

export const joinTokenType = 'bootstrap.kubernetes.io/token'
const userPrefix = 'system:bootstrap:'

/** What the Secret of a join token says. */
export interface JoinToken {
  readonly id: string
  /** SHA-256 of the whole token, hex. */
  readonly hash: string
  readonly expiresAtMs: number
  /** The only node that it may join as. */
  readonly nodeName: string | undefined
  /** SHA-256 of the public key (SPKI) that it has been used for, hex. */
  readonly boundKey: string | undefined
  /** The node that it has been used for. */
  readonly boundNode: string | undefined
}

/** Where the Secret of a token is. */
export function joinTokenKey(id: string): ObjectKey {
  return { group: '', resource: 'secrets', namespace: 'kube-system', name: `bootstrap-token-${id}` }
}

/** `system:bootstrap:abc123` → `abc123`, for members of system:bootstrappers only. */
export function joinTokenIdOf(user: UserInfo): string | undefined {
  return user.groups.includes(bootstrappersGroup) && user.name.startsWith(userPrefix) ? user.name.slice(userPrefix.length) : undefined
}

/** The user that a token stands for; undefined when it is unknown, wrong or expired. Takes the same time for every wrong secret. */
export function findTokenUser(store: Pick<Store, 'get'>, clock: Clock, token: string): UserInfo | undefined {
  const id = /^([a-z0-9]{6})\.[a-z0-9]{32}$/.exec(token)?.[1]
  if (id === undefined) return undefined
  const stored = store.get(joinTokenKey(id))
  const known = stored && parseJoinToken(stored)
  const given = createHash('sha256').update(token).digest()
  const expected = Buffer.from(known?.hash ?? '', 'hex')
  if (expected.length !== given.length || !timingSafeEqual(given, expected)) return undefined
  if (known === undefined || known.id !== id || clock.now() >= known.expiresAtMs) return undefined
  return { name: `${userPrefix}${id}`, groups: [bootstrappersGroup] }
}

/** The token of a Secret; undefined when the Secret is not one, lacks a part, or is being deleted. */
export function parseJoinToken(stored: StoredObject): JoinToken | undefined {
  const secret = JSON.parse(stored.bytes.toString()) as {
    type?: string
    data?: Record<string, string>
    metadata: { deletionTimestamp?: string }
  }
  if (secret.type !== joinTokenType || secret.metadata.deletionTimestamp) return undefined
  const read = (field: string) => {
    const value = secret.data?.[field]
    return value === undefined ? undefined : Buffer.from(value, 'base64').toString()
  }
  const id = read('token-id')
  const hash = read('token-hash')
  const expiresAtMs = Date.parse(read('expiration') ?? '')
  if (!id || !hash || Number.isNaN(expiresAtMs)) return undefined
  return { id, hash, expiresAtMs, nodeName: read('node-name'), boundKey: read('bound-key'), boundNode: read('bound-node') }
}
