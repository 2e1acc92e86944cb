import { forbiddenField, invalidValue, notSupported, requiredValue, type StatusCause } from '../api-error.js'
import type { KubeObject } from '../define-kind.js'
import { sameValue } from '../json/same-value.js'
import { isDnsSubdomain } from '../names.js'
import { type Output, t } from '../schema/t.js'
import { rbacGroup } from './role.js'

export const SubjectSchema = t.object({
  kind: t.oneOf('User', 'Group', 'ServiceAccount').describe('What the name means.'),
  apiGroup: t
    .string()
    .describe('rbac.authorization.k8s.io for User and Group, empty for ServiceAccount; set where it is absent.')
    .optional(),
  name: t.string().describe('The name.'),
  namespace: t.string().describe('The namespace of a ServiceAccount.').optional(),
})
export type Subject = Output<typeof SubjectSchema>

export const RoleRefSchema = t.object({
  apiGroup: t.oneOf(rbacGroup).describe('The group of roles.').default(rbacGroup),
  kind: t.oneOf('Role', 'ClusterRole').describe('Which sort of role it is.'),
  name: t.string().describe('The name of the role.'),
})
export type RoleRef = Output<typeof RoleRefSchema>

/** The fields of RoleBinding and ClusterRoleBinding. */
export const bindingFields = {
  subjects: t.list(SubjectSchema).describe('Who gets the rights.').optional(),
  roleRef: RoleRefSchema.describe('The role whose rights they get. It never changes: delete the binding and create another one.'),
}

interface BindingParts {
  readonly subjects?: readonly Subject[]
  readonly roleRef: RoleRef
}

/** Rules for both kinds of binding; `roles` are the kinds of role that it may name. */
export function validateBinding(object: KubeObject, old: KubeObject | undefined, roles: readonly RoleRef['kind'][]): StatusCause[] {
  const { subjects = [], roleRef } = object as unknown as BindingParts
  const causes: StatusCause[] = []
  if (!roles.includes(roleRef.kind))
    causes.push(notSupported('roleRef.kind', roleRef.kind, `supported values: ${roles.map((role) => `"${role}"`).join(', ')}`))
  if (roleRef.name === '') causes.push(requiredValue('roleRef.name'))
  if (old !== undefined && !sameValue(roleRef, (old as unknown as BindingParts).roleRef))
    causes.push(invalidValue('roleRef', roleRef, 'cannot change roleRef'))
  return [...causes, ...subjects.flatMap((subject, index) => validateSubject(subject, `subjects[${index}]`))]
}

function validateSubject({ kind, apiGroup = '', name, namespace = '' }: Subject, path: string): StatusCause[] {
  const causes = name === '' ? [requiredValue(`${path}.name`)] : []
  const group = kind === 'ServiceAccount' ? '' : rbacGroup
  if (apiGroup !== group) causes.push(notSupported(`${path}.apiGroup`, apiGroup, `supported values: "${group}"`))
  if (kind !== 'ServiceAccount') {
    if (namespace !== '') causes.push(forbiddenField(`${path}.namespace`, `a ${kind} has no namespace`))
    return causes
  }
  if (name !== '' && !isDnsSubdomain(name)) causes.push(invalidValue(`${path}.name`, name, 'is not a name of a ServiceAccount'))
  if (namespace === '') causes.push(requiredValue(`${path}.namespace`))
  return causes
}
