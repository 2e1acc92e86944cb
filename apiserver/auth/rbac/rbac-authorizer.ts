import type { AccessRequest, Authorizer } from '../authorizer.js'
import type { ClusterRole, PolicyRule, RoleBinding } from './policy.js'
import { ruleAllows } from './rule-match.js'

interface Grant {
  readonly binding: RoleBinding
  readonly rules: readonly PolicyRule[]
}

/**
 * Kubernetes' role-based rules: they only ever add rights, so the first that allows decides. A binding to a role that does not exist gives
 * nothing.
 */
export function createRbacAuthorizer(policy: { roles: readonly ClusterRole[]; bindings: readonly RoleBinding[] }): Authorizer {
  const rulesOf = new Map(policy.roles.map((role) => [role.metadata.name, role.rules]))
  const ofUser = new Map<string, Grant[]>()
  const ofGroup = new Map<string, Grant[]>()
  for (const binding of policy.bindings) {
    const grant = { binding, rules: rulesOf.get(binding.roleRef.name) ?? [] }
    for (const subject of binding.subjects) append(subject.kind === 'User' ? ofUser : ofGroup, subject.name, grant)
  }

  const grantsOf = ({ user }: AccessRequest) => [
    ...(ofUser.get(user.name) ?? []),
    ...user.groups.flatMap((group) => ofGroup.get(group) ?? []),
  ]

  return {
    authorize(request) {
      const grant = grantsOf(request).find(
        ({ binding, rules }) => reaches(binding, request) && rules.some((rule) => ruleAllows(rule, request)),
      )
      if (grant === undefined) return { allowed: false, reason: '' }
      return {
        allowed: true,
        reason: `RBAC: ${grant.binding.kind} "${grant.binding.metadata.name}" of ClusterRole "${grant.binding.roleRef.name}"`,
      }
    },
  }
}

/** A RoleBinding reaches the resources of its namespace alone: nothing cluster-scoped, no paths. */
function reaches(binding: RoleBinding, request: AccessRequest): boolean {
  return (
    binding.kind === 'ClusterRoleBinding' ||
    (request.resource !== '' && request.namespace !== '' && request.namespace === binding.metadata.namespace)
  )
}

function append(grants: Map<string, Grant[]>, name: string, grant: Grant): void {
  const list = grants.get(name)
  if (list) list.push(grant)
  else grants.set(name, [grant])
}
