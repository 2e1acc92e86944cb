import { defineKind, type KubeObject, type Manifest, type Resource } from '../define-kind.js'
import { type PolicyRule, PolicyRulesSchema, validatePolicyRules } from './policy-rule.js'

/** Every kind of rights is of this group. */
export const rbacGroup = 'rbac.authorization.k8s.io'

export const Role = defineKind({
  group: rbacGroup,
  version: 'v1',
  kind: 'Role',
  plural: 'roles',
  scope: 'Namespaced',
  description: 'Rights within one namespace, for whoever a RoleBinding names.',
  fields: { rules: PolicyRulesSchema },
  columns: [{ name: 'Created At', jsonPath: '.metadata.creationTimestamp', description: 'When it was created.' }],
  nameRule: 'path',
  validate: (object: KubeObject) => validatePolicyRules(object.rules as PolicyRule[], 'namespace'),
})
export type Role = Resource<typeof Role>
export type RoleManifest = Manifest<typeof Role>
