import { requiredValue, type StatusCause } from '../api-error.js'
import { defineKind, type KubeObject, type Manifest, type Resource } from '../define-kind.js'
import { LabelSelectorSchema, validateSelector } from '../label-selector-object.js'
import { type Output, t } from '../schema/t.js'
import { type PolicyRule, PolicyRulesSchema, validatePolicyRules } from './policy-rule.js'
import { rbacGroup } from './role.js'

const AggregationRuleSchema = t.object({
  clusterRoleSelectors: t
    .list(LabelSelectorSchema)
    .describe('ClusterRoles that one of these selects give their rules to this one.')
    .optional(),
})
export type AggregationRule = Output<typeof AggregationRuleSchema>

export const ClusterRole = defineKind({
  group: rbacGroup,
  version: 'v1',
  kind: 'ClusterRole',
  plural: 'clusterroles',
  scope: 'Cluster',
  description: 'Rights everywhere, or within the namespace of the RoleBinding that names it.',
  fields: {
    rules: PolicyRulesSchema,
    aggregationRule: AggregationRuleSchema.describe(
      'Which other ClusterRoles the rules are gathered from. The server then keeps `rules` itself.',
    ).optional(),
  },
  columns: [{ name: 'Created At', jsonPath: '.metadata.creationTimestamp', description: 'When it was created.' }],
  nameRule: 'path',
  validate: validateClusterRole,
})
export type ClusterRole = Resource<typeof ClusterRole>
export type ClusterRoleManifest = Manifest<typeof ClusterRole>

function validateClusterRole(object: KubeObject): StatusCause[] {
  const { rules, aggregationRule } = object as unknown as { rules: PolicyRule[]; aggregationRule?: AggregationRule }
  const selectors = aggregationRule?.clusterRoleSelectors ?? []
  return [
    ...validatePolicyRules(rules, 'cluster'),
    ...(aggregationRule && selectors.length === 0
      ? [requiredValue('aggregationRule.clusterRoleSelectors', 'at least one clusterRoleSelector required')]
      : []),
    ...selectors.flatMap((selector, index) => validateSelector(selector, `aggregationRule.clusterRoleSelectors[${index}]`)),
  ]
}
