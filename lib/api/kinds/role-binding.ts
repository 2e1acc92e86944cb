import { defineKind, type Manifest, type Resource } from '../define-kind.js'
import { bindingFields, validateBinding } from './binding-parts.js'
import { rbacGroup } from './role.js'

/** Columns of both kinds of binding; Role is printed by the server as `KIND/NAME`. */
export const bindingColumns = [
  { name: 'Role', jsonPath: '.roleRef.name', description: 'The role whose rights are given.' },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation.' },
  { name: 'Users', jsonPath: '.subjects[?(@.kind=="User")].name', priority: 1, description: 'The users that get them.' },
  { name: 'Groups', jsonPath: '.subjects[?(@.kind=="Group")].name', priority: 1, description: 'The groups that get them.' },
  {
    name: 'ServiceAccounts',
    jsonPath: '.subjects[?(@.kind=="ServiceAccount")].name',
    priority: 1,
    description: 'The ServiceAccounts that get them.',
  },
] as const

export const RoleBinding = defineKind({
  group: rbacGroup,
  version: 'v1',
  kind: 'RoleBinding',
  plural: 'rolebindings',
  scope: 'Namespaced',
  description: 'Gives the rights of a Role or ClusterRole, within its namespace.',
  fields: bindingFields,
  columns: bindingColumns,
  nameRule: 'path',
  validate: (object, old) => validateBinding(object, old, ['Role', 'ClusterRole']),
})
export type RoleBinding = Resource<typeof RoleBinding>
export type RoleBindingManifest = Manifest<typeof RoleBinding>
