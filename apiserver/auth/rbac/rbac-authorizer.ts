import type { AccessRequest, Authorizer } from '../authorizer.js'
import { type Grant, groupKey, type RbacPolicy, type SubjectAccess, userKey } from './rbac-policy.js'

/**
 * Kubernetes' role-based rules: they only ever add rights, so the first that allows decides. A RoleBinding reaches the resources of its namespace
 * alone: nothing cluster-scoped, no paths.
 */
export function createRbacAuthorizer(policy: Pick<RbacPolicy, 'accessOf'>): Authorizer {
  return {
    authorize(request) {
      const { user } = request
      let grant = findGrant(policy.accessOf(userKey(user.name)), request)
      for (const group of user.groups) grant ??= findGrant(policy.accessOf(groupKey(group)), request)
      return grant === undefined ? refused : { allowed: true, reason: describeGrant(grant) }
    },
  }
}
const refused = { allowed: false, reason: '' }

function findGrant(access: SubjectAccess | undefined, request: AccessRequest): Grant | undefined {
  if (!access) return undefined
  const found = access.everywhere.find(request)
  if (found || request.resource === '' || request.namespace === '') return found
  return access.inNamespace.get(request.namespace)?.find(request)
}

function describeGrant({ binding: { kind, metadata, roleRef }, subject }: Grant): string {
  const where = metadata.namespace === undefined ? metadata.name : `${metadata.name}/${metadata.namespace}`
  const name = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace ?? ''}` : subject.name
  return `RBAC: allowed by ${kind} "${where}" of ${roleRef.kind} "${roleRef.name}" to ${subject.kind} "${name}"`
}
