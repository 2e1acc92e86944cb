import type { IncomingMessage } from 'node:http'
import { createNodeConnections } from '../lib/stream/node-connections.js'
import { createAccess } from './auth/access.js'
import { createAuthenticator } from './auth/authenticate.js'
import { createTokenRetirement } from './auth/bootstrap/retire-token.js'
import { csrPreparations } from './auth/csr/csr-signer.js'
import { withImpersonation } from './auth/impersonate.js'
import { type Pki, servingOptions } from './auth/pki/ensure-pki.js'
import { createServerTokens } from './auth/tokens/server-tokens.js'
import type { SigningKeys } from './auth/tokens/signing-keys.js'
import type { UserInfo } from './auth/user.js'
import { type Apiserver, type ApiserverOptions, startApiserver } from './server.js'
import { createNodeStreamRoutes } from './streams/node-stream-routes.js'
import { createNodeStreams } from './streams/node-streams.js'

export interface SecureApiserverOptions
  extends Pick<ApiserverOptions, 'store' | 'clock' | 'log' | 'host' | 'port' | 'kinds' | 'limits' | 'settings'> {
  readonly pki: Pki
  /** The keys of ServiceAccounts' tokens. Default: keys that live as long as the process. */
  readonly tokenKeys?: SigningKeys
  /** Who issues those tokens. */
  readonly issuer?: string
  /** Sees each authenticated user, and throws to refuse it. */
  readonly screen?: (user: UserInfo) => void
}

export interface SecureApiserver extends Apiserver {
  /** New connections get the serving certificate of these. */
  useServing(pki: Pki): void
}

/** An API server as clusters have it: TLS, certificates and join tokens as identity, node certificates signed, agents' streams accepted. */
export async function startSecureApiserver({
  pki,
  screen,
  tokenKeys,
  issuer,
  ...options
}: SecureApiserverOptions): Promise<SecureApiserver> {
  const { store, clock, log } = options
  const access = createAccess(store)
  const tokens = await createServerTokens({ store, clock, ...(tokenKeys ? { keys: tokenKeys } : {}), ...(issuer ? { issuer } : {}) })
  const authenticator = createAuthenticator({ tokens: tokens.bearer, onNodeConnected: createTokenRetirement({ store, log }) })
  const authenticateSender = (request: IncomingMessage) => {
    const user = authenticator.authenticate(request)
    screen?.(user)
    return user
  }
  const authenticate = withImpersonation(authenticateSender, access.authorizer)
  const streams = createNodeStreams()
  const gateways = createNodeConnections()
  const server = await startApiserver({
    ...options,
    access,
    tokens,
    tls: servingOptions(pki),
    authenticate,
    preparations: csrPreparations({ pki, store, clock }),
    streams: createNodeStreamRoutes({ streams, gateways, store, authorizer: access.authorizer, authenticate, log }),
  })
  return {
    ...server,
    useServing: (renewed) => server.useTls(servingOptions(renewed)),
    async stop(graceMs) {
      const stopped = server.stop(graceMs)
      streams.close()
      gateways.close()
      await stopped
    },
    async close() {
      streams.close()
      gateways.close()
      await server.close()
    },
  }
}
