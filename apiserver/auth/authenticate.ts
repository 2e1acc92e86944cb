/**
 * Who makes a request: the holder of a client certificate, the bearer of a join token or of a ServiceAccount's token, or nobody. The one
 * rule: a credential that is not good is 401, never a step down to anonymous; anonymous answers only what tells nothing about the cluster.
 *
 *     const authenticator = createAuthenticator({ tokens })
 *     const user = authenticator.authenticate(request)   // throws Unauthorized
 */
import type { IncomingMessage } from 'node:http'
import { type PeerCertificate, TLSSocket } from 'node:tls'
import { unauthorized } from '../../lib/api/api-error.js'
import { keyHash } from './pki/key-hash.js'
import type { BearerTokens } from './tokens/bearer-tokens.js'
import { authenticatedGroup, nodeNameOf, type UserInfo } from './user.js'

export interface Authenticator {
  /** Throws Unauthorized. */
  authenticate(request: IncomingMessage): UserInfo
}

const anonymousUser: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] }

/** What answers without a credential. */
export const publicPaths: readonly string[] = ['/healthz', '/livez', '/readyz', '/version']

interface CertifiedUser {
  readonly user: UserInfo
  readonly notAfterMs: number
}

export interface AuthenticatorOptions {
  /** Certificates are judged by the machine's own time, as during the handshake; tokens by the cluster's. */
  readonly tokens: BearerTokens
  /** Called once for each connection on which a node shows its certificate, with its name and its key's hash. */
  readonly onNodeConnected?: (nodeName: string, key: string) => void
}

export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  /** A connection's certificate never changes, so it is read once. */
  const certified = new WeakMap<TLSSocket, CertifiedUser>()

  function announceNode(socket: TLSSocket, user: UserInfo): void {
    const node = nodeNameOf(user)
    const certificate = node === undefined ? undefined : socket.getPeerX509Certificate()
    if (node !== undefined && certificate) options.onNodeConnected?.(node, keyHash(certificate.publicKey))
  }

  return {
    authenticate(request) {
      const { socket } = request
      const authorization = request.headers.authorization
      const known = socket instanceof TLSSocket ? certified.get(socket) : undefined
      if (socket instanceof TLSSocket && (known || presentsCertificate(socket))) {
        const { user, notAfterMs } = known ?? userOfCertificate(socket)
        if (Date.now() > notAfterMs) throw unauthorized('the client certificate has expired')
        if (!known) {
          certified.set(socket, { user, notAfterMs })
          announceNode(socket, user)
        }
        return user
      }
      if (authorization !== undefined) {
        const user = options.tokens.find(bearerToken(authorization))?.user
        if (user === undefined) throw unauthorized()
        return user
      }
      if (isPublic(request.url ?? '')) return anonymousUser
      throw unauthorized()
    },
  }
}

/** Whether the client showed a certificate, good or not. `authorized` does not say: without any, a resumed session has it set. */
function presentsCertificate(socket: TLSSocket): boolean {
  return Object.keys(socket.getPeerCertificate() ?? {}).length > 0
}

function userOfCertificate(socket: TLSSocket): CertifiedUser {
  if (!socket.authorized)
    throw unauthorized(`the client certificate is not accepted: ${socket.authorizationError ?? 'not signed by this cluster'}`)
  const certificate = socket.getPeerCertificate()
  const [name, ...further] = valuesOf(certificate.subject.CN)
  if (!name || further.length > 0) throw unauthorized('the client certificate must name exactly one user (CN)')
  const groups = valuesOf(certificate.subject.O)
  if (groups.includes(authenticatedGroup)) throw unauthorized(`the client certificate must not name the group ${authenticatedGroup}`)
  return { user: { name, groups: [...groups, authenticatedGroup] }, notAfterMs: Date.parse(certificate.valid_to) }
}

/** Node gives a repeated attribute as an array, though its types say a string. */
function valuesOf(attribute: PeerCertificate['subject']['CN'] | readonly string[] | undefined): readonly string[] {
  if (attribute === undefined) return []
  return typeof attribute === 'string' ? [attribute] : attribute
}

function bearerToken(authorization: string): string {
  const [scheme, token, ...rest] = authorization.trim().split(/ +/)
  if (scheme?.toLowerCase() !== 'bearer' || !token || rest.length > 0)
    throw unauthorized('only bearer tokens and client certificates are accepted')
  return token
}

function isPublic(url: string): boolean {
  const path = url.split('?', 1)[0] ?? ''
  return publicPaths.some((open) => path === open || (open !== '/version' && path.startsWith(`${open}/`)))
}
