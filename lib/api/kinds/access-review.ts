import { forbiddenField, requiredValue, type StatusCause } from '../api-error.js'
import { defineKind, type KubeObject, type Resource } from '../define-kind.js'
import { type Output, t } from '../schema/t.js'

/** The group of the questions about rights. They are answered and forgotten: nothing is stored. */
export const authorizationGroup = 'authorization.k8s.io'

const ResourceAttributesSchema = t
  .object({
    namespace: t.string().describe('The namespace; empty: the cluster, or all namespaces.').optional(),
    verb: t.string().describe('get, list, create, …, or * for all.').optional(),
    group: t.string().describe('The group of the resource; * for all.').optional(),
    version: t.string().describe('The version; rights do not depend on it.').optional(),
    resource: t.string().describe('The resource; * for all.').optional(),
    subresource: t.string().describe('The subresource.').optional(),
    name: t.string().describe('The one object; empty: all.').optional(),
  })
  .describe('A request for a resource.')
export type ResourceAttributes = Output<typeof ResourceAttributesSchema>

const NonResourceAttributesSchema = t
  .object({
    path: t.string().describe('The path.').optional(),
    verb: t.string().describe('The HTTP verb, in lower case.').optional(),
  })
  .describe('A request for a path that is no resource.')
export type NonResourceAttributes = Output<typeof NonResourceAttributesSchema>

const request = {
  resourceAttributes: ResourceAttributesSchema.optional(),
  nonResourceAttributes: NonResourceAttributesSchema.optional(),
}

const subject = {
  user: t.string().describe('The user who is asked about.').optional(),
  groups: t.list(t.string()).describe("The user's groups.").optional(),
  uid: t.string().describe("The user's uid.").optional(),
  extra: t.map(t.list(t.string())).describe('Further facts about the user.').optional(),
}

const AccessStatusSchema = t.object({
  allowed: t.boolean().describe('Whether it is allowed.'),
  denied: t.boolean().describe('Whether something forbids it; nothing here does.').optional(),
  reason: t.string().describe('Why.').optional(),
  evaluationError: t.string().describe('What went wrong on the way to the answer.').optional(),
})
export type AccessStatus = Output<typeof AccessStatusSchema>

const common = { group: authorizationGroup, version: 'v1', verbs: ['create'] } as const

export const SelfSubjectAccessReview = defineKind({
  ...common,
  kind: 'SelfSubjectAccessReview',
  plural: 'selfsubjectaccessreviews',
  scope: 'Cluster',
  description: 'Asks whether one may do something oneself.',
  spec: t.object(request),
  status: AccessStatusSchema,
  validate: (object) => validateRequest(object),
})

export const SubjectAccessReview = defineKind({
  ...common,
  kind: 'SubjectAccessReview',
  plural: 'subjectaccessreviews',
  scope: 'Cluster',
  description: 'Asks whether somebody may do something.',
  spec: t.object({ ...request, ...subject }),
  status: AccessStatusSchema,
  validate: (object) => [...validateRequest(object), ...validateSubject(object)],
})
export type SubjectAccessReview = Resource<typeof SubjectAccessReview>

export const LocalSubjectAccessReview = defineKind({
  ...common,
  kind: 'LocalSubjectAccessReview',
  plural: 'localsubjectaccessreviews',
  scope: 'Namespaced',
  description: 'Asks whether somebody may do something within one namespace.',
  spec: t.object({ ...request, ...subject }),
  status: AccessStatusSchema,
  validate: (object) => [...validateRequest(object), ...validateSubject(object), ...validateLocal(object)],
})

const specOf = (object: KubeObject) => object.spec as SubjectAccessReview['spec']

function validateRequest(object: KubeObject): StatusCause[] {
  const { resourceAttributes, nonResourceAttributes } = specOf(object)
  if (resourceAttributes && nonResourceAttributes)
    return [forbiddenField('spec.nonResourceAttributes', 'cannot be specified in combination with resourceAttributes')]
  if (!resourceAttributes && !nonResourceAttributes)
    return [requiredValue('spec.resourceAttributes', 'exactly one of nonResourceAttributes or resourceAttributes must be specified')]
  return resourceAttributes && !resourceAttributes.resource ? [requiredValue('spec.resourceAttributes.resource')] : []
}

function validateSubject(object: KubeObject): StatusCause[] {
  const { user = '', groups = [] } = specOf(object)
  return user === '' && groups.length === 0 ? [requiredValue('spec.user', 'at least one of user or group must be specified')] : []
}

function validateLocal(object: KubeObject): StatusCause[] {
  return specOf(object).nonResourceAttributes ? [forbiddenField('spec.nonResourceAttributes', 'disallowed on this kind of request')] : []
}
