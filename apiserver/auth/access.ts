import type { Store } from '../storage/store.js'
import type { Authorizer } from './authorizer.js'
import { createAuthorizer } from './create-authorizer.js'
import { RbacPolicy } from './rbac/rbac-policy.js'

/** Who may do what, on one store: made once for a server. */
export interface Access {
  readonly policy: RbacPolicy
  readonly authorizer: Authorizer
}

export function createAccess(store: Pick<Store, 'get' | 'list' | 'onCommit'>): Access {
  const policy = new RbacPolicy(store)
  return { policy, authorizer: createAuthorizer({ store, policy }) }
}
