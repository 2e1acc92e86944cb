import type { UserInfo } from '../user.js'
import type { PolicyRule } from './policy.js'
import type { RbacPolicy } from './rbac-policy.js'

/** All rules that give the user rights in a namespace; without one, those that hold everywhere. A role counts once. */
export function rulesOfUser(policy: Pick<RbacPolicy, 'grantsOf' | 'rulesOf'>, user: UserInfo, namespace: string): readonly PolicyRule[] {
  const grants = [...policy.grantsOf('User', user.name), ...user.groups.flatMap((group) => policy.grantsOf('Group', group))]
  const roles = grants.flatMap(({ binding }) => {
    const { namespace: within = '' } = binding.metadata
    const rules = within === '' || within === namespace ? policy.rulesOf(binding.roleRef, within) : undefined
    return rules ? [rules] : []
  })
  return [...new Set(roles)].flat()
}
