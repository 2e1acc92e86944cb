import type { AccessRequest, Authorizer } from '../authorizer.js'
import type { GrantedRoles, RbacPolicy, SubjectAccess } from './rbac-policy.js'

/**
 * Kubernetes' role-based rules: they only ever add rights, so the first that allows decides. A RoleBinding reaches the resources of its
 * namespace alone: nothing cluster-scoped, no paths.
 */
export function createRbacAuthorizer(policy: Pick<RbacPolicy, 'accessOf'>): Authorizer {
  return {
    authorize(request) {
      const { user } = request
      let reason = findReason(policy.accessOf('User', user.name), request)
      for (const group of user.groups) reason ??= findReason(policy.accessOf('Group', group), request)
      return reason === undefined ? refused : { allowed: true, reason }
    },
  }
}
const refused = { allowed: false, reason: '' }

function findReason(access: SubjectAccess | undefined, request: AccessRequest): string | undefined {
  if (!access) return undefined
  const found = findGranting(access.everywhere, request)
  if (found || request.resource === '' || request.namespace === '') return found
  return findGranting(access.inNamespace.get(request.namespace), request)
}

function findGranting(roles: GrantedRoles | undefined, request: AccessRequest): string | undefined {
  return roles?.find(({ rules }) => rules.allows(request))?.reason
}
