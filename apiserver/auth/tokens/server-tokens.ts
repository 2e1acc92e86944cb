import type { Clock } from '../../../lib/base/clock.js'
import type { Store } from '../../storage/store.js'
import { type BearerTokens, createBearerTokens } from './bearer-tokens.js'
import { createServiceAccountTokens, type ServiceAccountTokens } from './service-account-tokens.js'
import { openSigningKeys, type SigningKeys } from './signing-keys.js'

/** The tokens that a server takes and gives. */
export interface ServerTokens {
  readonly bearer: BearerTokens
  readonly serviceAccounts: ServiceAccountTokens
}

export interface ServerTokenOptions {
  readonly store: Pick<Store, 'get'>
  readonly clock: Clock
  /** Default: keys that live as long as the process. */
  readonly keys?: SigningKeys
  /** See createServiceAccountTokens. */
  readonly issuer?: string
}

/** A name that every cluster may have: whoever verifies tokens elsewhere sets another one. */
export const defaultIssuer = 'https://millrace.default.svc'

export async function createServerTokens({ store, clock, keys, issuer = defaultIssuer }: ServerTokenOptions): Promise<ServerTokens> {
  const signingKeys = keys ?? (await openSigningKeys({ clock }))
  const serviceAccounts = createServiceAccountTokens({ keys: signingKeys, store, clock, issuer })
  return { serviceAccounts, bearer: createBearerTokens({ store, clock, serviceAccounts }) }
}
