import type { IncomingMessage } from 'node:http'
import { createAccess } from './auth/access.js'
import { createAuthenticator } from './auth/authenticate.js'
import { createTokenRetirement } from './auth/bootstrap/retire-token.js'
import { csrPreparations } from './auth/csr/csr-signer.js'
import { type Pki, servingOptions } from './auth/pki/ensure-pki.js'
import type { UserInfo } from './auth/user.js'
import { type Apiserver, type ApiserverOptions, startApiserver } from './server.js'
import { createNodeStreamRoutes } from './streams/node-stream-routes.js'
import { createNodeStreams } from './streams/node-streams.js'

export interface SecureApiserverOptions extends Pick<ApiserverOptions, 'store' | 'clock' | 'log' | 'host' | 'port' | 'kinds' | 'limits'> {
  readonly pki: Pki
  /** Sees each authenticated user, and throws to refuse it. */
  readonly screen?: (user: UserInfo) => void
}

/** An API server as clusters have it: TLS, certificates and join tokens as identity, node certificates signed, agents' streams accepted. */
export async function startSecureApiserver({ pki, screen, ...options }: SecureApiserverOptions): Promise<Apiserver> {
  const { store, clock, log } = options
  const authenticator = createAuthenticator({ store, clock, onNodeConnected: createTokenRetirement({ store, log }) })
  const authenticate = (request: IncomingMessage) => {
    const user = authenticator.authenticate(request)
    screen?.(user)
    return user
  }
  const access = createAccess(store)
  const streams = createNodeStreams()
  const server = await startApiserver({
    ...options,
    access,
    tls: servingOptions(pki),
    authenticate,
    preparations: csrPreparations({ pki, store, clock }),
    streams: createNodeStreamRoutes({ streams, store, authorizer: access.authorizer, authenticate, log }),
  })
  return {
    ...server,
    async stop(graceMs) {
      const stopped = server.stop(graceMs)
      streams.close()
      await stopped
    },
    async close() {
      streams.close()
      await server.close()
    },
  }
}
