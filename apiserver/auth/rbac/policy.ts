/** The shapes of rbac.authorization.k8s.io/v1, as far as the evaluator reads them: built-in constants and stored objects alike. */

export interface PolicyRule {
  readonly verbs: readonly string[]
  readonly apiGroups?: readonly string[]
  /** `tasks`, `tasks/status`, `*` followed by `/status`, or `*` for everything. */
  readonly resources?: readonly string[]
  /** Empty or absent: every name. */
  readonly resourceNames?: readonly string[]
  /** `/version`, `/api/*`. */
  readonly nonResourceURLs?: readonly string[]
}

export interface ClusterRole {
  readonly kind: 'ClusterRole'
  readonly metadata: { readonly name: string }
  readonly rules: readonly PolicyRule[]
}

export interface Subject {
  readonly kind: 'User' | 'Group'
  readonly name: string
}

/** Gives the rights of a ClusterRole: everywhere, or (RoleBinding) within one namespace. */
export interface RoleBinding {
  readonly kind: 'ClusterRoleBinding' | 'RoleBinding'
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly roleRef: { readonly kind: 'ClusterRole'; readonly name: string }
  readonly subjects: readonly Subject[]
}
