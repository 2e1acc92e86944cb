/** The objects of rbac.authorization.k8s.io/v1 as the evaluator reads them. */
import type { RoleRef, Subject as StoredSubject } from '../../../lib/api/kinds/binding-parts.js'
import type { AggregationRule } from '../../../lib/api/kinds/cluster-role.js'
import type { PolicyRule } from '../../../lib/api/kinds/policy-rule.js'

export type { PolicyRule, RoleRef }

interface PolicyMeta {
  readonly name: string
  readonly namespace?: string
  readonly labels?: Readonly<Record<string, string>>
}

export interface PolicyRole {
  readonly kind: 'ClusterRole' | 'Role'
  readonly metadata: PolicyMeta
  readonly rules: readonly PolicyRule[]
  /** Of ClusterRoles alone. */
  readonly aggregationRule?: AggregationRule
}

export type Subject = Readonly<StoredSubject>

/** Gives the rights of a role: everywhere, or (RoleBinding) within one namespace. */
export interface PolicyBinding {
  readonly kind: 'ClusterRoleBinding' | 'RoleBinding'
  readonly metadata: PolicyMeta
  readonly roleRef: Readonly<RoleRef>
  readonly subjects?: readonly Subject[]
}
