import { forbiddenField, requiredValue, type StatusCause } from '../api-error.js'
import { type Output, t } from '../schema/t.js'

export const PolicyRuleSchema = t.object({
  verbs: t.list(t.string()).describe('What is allowed: get, list, watch, create, update, patch, delete, deletecollection, or * for all.'),
  apiGroups: t.list(t.string()).describe('The groups of the resources; "" is the core group, * all.').optional(),
  resources: t.list(t.string()).describe('tasks, tasks/status, */status, or * for all.').optional(),
  resourceNames: t.list(t.string()).describe('The only names that the rule is about; none: all.').optional(),
  nonResourceURLs: t.list(t.string()).describe('Paths that are no resources: /version, /api/*. In ClusterRoles alone.').optional(),
})
export type PolicyRule = Output<typeof PolicyRuleSchema>

export const PolicyRulesSchema = t.list(PolicyRuleSchema).describe('What is allowed. Rules only ever add.').default([])

/** A rule is about resources or about paths, and says all that its sort needs. */
export function validatePolicyRules(rules: readonly PolicyRule[], scope: 'namespace' | 'cluster'): StatusCause[] {
  return rules.flatMap((rule, index) => validateRule(rule, `rules[${index}]`, scope))
}

function validateRule(rule: PolicyRule, path: string, scope: 'namespace' | 'cluster'): StatusCause[] {
  const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule
  const causes = verbs.length === 0 ? [requiredValue(`${path}.verbs`, 'verbs must contain at least one value')] : []
  if (nonResourceURLs.length > 0) {
    if (scope === 'namespace') causes.push(forbiddenField(`${path}.nonResourceURLs`, 'namespaced rules cannot apply to non-resource URLs'))
    if (apiGroups.length + resources.length + resourceNames.length > 0)
      causes.push(forbiddenField(`${path}.nonResourceURLs`, 'rules cannot apply to both regular resources and non-resource URLs'))
    return causes
  }
  if (apiGroups.length === 0) causes.push(requiredValue(`${path}.apiGroups`, 'resource rules must supply at least one api group'))
  if (resources.length === 0) causes.push(requiredValue(`${path}.resources`, 'resource rules must supply at least one resource'))
  return causes
}
