import type { Clock } from '../../../lib/base/clock.js'
import type { Store } from '../../storage/store.js'
import { findTokenUser } from '../bootstrap/join-token.js'
import { authenticatedGroup, type UserInfo } from '../user.js'
import type { ServiceAccountTokens } from './service-account-tokens.js'

/** Everything that is accepted behind `Authorization: Bearer`. */
export interface BearerTokens {
  /** Who bears the token, and which of the audiences (default: this server) it is for; undefined when it is not good. */
  find(token: string, audiences?: readonly string[]): { user: UserInfo; audiences: readonly string[] } | undefined
}

/** Join tokens are for this server alone. */
export function createBearerTokens(options: {
  readonly store: Pick<Store, 'get'>
  readonly clock: Clock
  readonly serviceAccounts: ServiceAccountTokens
}): BearerTokens {
  const { store, clock, serviceAccounts } = options
  return {
    find(token, audiences = [serviceAccounts.issuer]) {
      const joining = audiences.includes(serviceAccounts.issuer) ? findTokenUser(store, clock, token) : undefined
      if (!joining) return serviceAccounts.verify(token, audiences)
      return { user: { ...joining, groups: [...joining.groups, authenticatedGroup] }, audiences: [serviceAccounts.issuer] }
    },
  }
}
