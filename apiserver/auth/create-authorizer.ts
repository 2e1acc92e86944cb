/**
 * The authorizer of the server: whoever may do everything, then roles, then what nodes and joining machines may do. The first that allows
 * decides, and nobody forbids what another allows.
 *
 *     const { authorizer } = createAccess(store)
 *     authorizer.authorize({ user, verb: 'get', group: '', resource: 'secrets', … })
 *     // { allowed: false, reason: 'User "system:node:a" cannot get …' }
 */
import type { Store } from '../storage/store.js'
import type { Authorizer } from './authorizer.js'
import { createBootstrapAuthorizer } from './bootstrap/bootstrap-authorizer.js'
import { createNodeAuthorizer } from './node/node-authorizer.js'
import { createRbacAuthorizer } from './rbac/rbac-authorizer.js'
import type { RbacPolicy } from './rbac/rbac-policy.js'
import { refusalSentence } from './refusal-sentence.js'
import { mastersGroup } from './user.js'

const mastersAuthorizer: Authorizer = {
  authorize({ user }) {
    const allowed = user.groups.includes(mastersGroup)
    return { allowed, reason: allowed ? `${mastersGroup} may do everything` : '' }
  },
}

export function createAuthorizer({ store, policy }: { store: Pick<Store, 'get' | 'list'>; policy: RbacPolicy }): Authorizer {
  const judges = [mastersAuthorizer, createRbacAuthorizer(policy), createNodeAuthorizer(store), createBootstrapAuthorizer(store)]
  return {
    authorize(request) {
      let why = ''
      for (const judge of judges) {
        const decision = judge.authorize(request)
        if (decision.allowed) return decision
        if (decision.reason !== '') why = decision.reason
      }
      return { allowed: false, reason: refusalSentence(request, why) }
    },
  }
}
