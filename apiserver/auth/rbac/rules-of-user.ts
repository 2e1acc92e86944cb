import type { UserInfo } from '../user.js'
import type { PolicyRule } from './policy.js'
import type { RbacPolicy } from './rbac-policy.js'

/** All rules that give the user rights in a namespace; without one, those that hold everywhere. */
export function rulesOfUser(policy: Pick<RbacPolicy, 'grantsOf' | 'rulesOf'>, user: UserInfo, namespace: string): readonly PolicyRule[] {
  const grants = [...policy.grantsOf('User', user.name), ...user.groups.flatMap((group) => policy.grantsOf('Group', group))]
  return grants.flatMap(({ binding }) => {
    const { namespace: within = '' } = binding.metadata
    return within === '' || within === namespace ? (policy.rulesOf(binding.roleRef, within) ?? []) : []
  })
}
