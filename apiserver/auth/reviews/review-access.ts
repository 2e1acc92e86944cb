import type { AccessStatus, SubjectAccessReview } from '../../../lib/api/kinds/access-review.js'
import type { Authorizer } from '../authorizer.js'
import type { UserInfo } from '../user.js'

type AccessSpec = Pick<SubjectAccessReview['spec'], 'resourceAttributes' | 'nonResourceAttributes'>

/** Whether a user may do what is asked about; the answer that a request itself would get. That something is not allowed needs no reason. */
export function reviewAccess(
  authorizer: Authorizer,
  user: UserInfo,
  { resourceAttributes, nonResourceAttributes }: AccessSpec,
): AccessStatus {
  const { namespace = '', verb = '', group = '', resource = '', subresource = '', name = '' } = resourceAttributes ?? {}
  const { path = '', verb: pathVerb = '' } = nonResourceAttributes ?? {}
  const request = resourceAttributes
    ? { user, verb, group, resource, subresource, namespace, name, path: '' }
    : { user, verb: pathVerb, group: '', resource: '', subresource: '', namespace: '', name: '', path }
  const { allowed, reason } = authorizer.authorize(request)
  return allowed ? { allowed, reason } : { allowed }
}

/** The user that a SubjectAccessReview is about, as it says. */
export function userOfReview({ user = '', groups = [], uid }: SubjectAccessReview['spec']): UserInfo {
  return { name: user, groups, ...(uid === undefined ? {} : { uid }) }
}
