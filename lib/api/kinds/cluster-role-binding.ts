import { defineKind, type Manifest, type Resource } from '../define-kind.js'
import { bindingFields, validateBinding } from './binding-parts.js'
import { rbacGroup } from './role.js'
import { bindingColumns } from './role-binding.js'

export const ClusterRoleBinding = defineKind({
  group: rbacGroup,
  version: 'v1',
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
  scope: 'Cluster',
  description: 'Gives the rights of a ClusterRole, everywhere.',
  fields: bindingFields,
  columns: bindingColumns,
  nameRule: 'path',
  validate: (object, old) => validateBinding(object, old, ['ClusterRole']),
})
export type ClusterRoleBinding = Resource<typeof ClusterRoleBinding>
export type ClusterRoleBindingManifest = Manifest<typeof ClusterRoleBinding>
