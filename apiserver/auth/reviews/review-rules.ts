import type { SelfSubjectRulesReview } from '../../../lib/api/kinds/rules-review.js'
import type { RbacPolicy } from '../rbac/rbac-policy.js'
import { rulesOfUser } from '../rbac/rules-of-user.js'
import { bootstrappersGroup, nodesGroup, type UserInfo } from '../user.js'

/**
 * All that roles allow a user in a namespace. What nodes and joining machines may do besides is no list: it hangs on what is bound to them.
 */
export function reviewRules(
  policy: Pick<RbacPolicy, 'grantsOf' | 'rulesOf'>,
  user: UserInfo,
  namespace: string,
): NonNullable<SelfSubjectRulesReview['status']> {
  const rules = rulesOfUser(policy, user, namespace)
  const incomplete = user.groups.includes(nodesGroup) || user.groups.includes(bootstrappersGroup)
  return {
    resourceRules: rules
      .filter(({ resources }) => resources?.length)
      .map(({ verbs, apiGroups = [], resources = [], resourceNames }) => ({
        verbs,
        apiGroups,
        resources,
        ...(resourceNames?.length ? { resourceNames } : {}),
      })),
    nonResourceRules: rules
      .filter(({ nonResourceURLs }) => nonResourceURLs?.length)
      .map(({ verbs, nonResourceURLs = [] }) => ({ verbs, nonResourceURLs })),
    incomplete,
    ...(incomplete ? { evaluationError: 'what nodes may do with what is bound to them is not listed' } : {}),
  }
}
