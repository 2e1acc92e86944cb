import type { IncomingMessage, ServerResponse } from 'node:http'
import { ApiError, forbidden } from '../../../lib/api/api-error.js'
import type { AccessRequest, Authorizer } from '../../auth/authorizer.js'
import type { UserInfo } from '../../auth/user.js'
import type { RequestInfo } from './request-info.js'

/** One request and its answer, once the caller is known. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly info: RequestInfo
  readonly requestId: string
  readonly user: UserInfo
  /** Gives the place among the requests in flight back; long-running answers call it when they have begun. */
  readonly leave: () => void
}

/** Throws Forbidden unless the user may do what the record says. */
export function authorize(authorizer: Authorizer, request: AccessRequest): void {
  const decision = authorizer.authorize(request)
  if (decision.allowed) return
  const { group, resource, name } = request
  if (resource === '') throw new ApiError('Forbidden', `forbidden: ${decision.reason}`)
  throw forbidden({ group, resource, ...(name === '' ? {} : { name }) }, decision.reason)
}

/** The record of a request for a resource. A list or watch of one name is judged as that name. */
export function accessOf(user: UserInfo, info: RequestInfo, fieldEquals: Readonly<Record<string, string>> = {}): AccessRequest {
  const { verb, group, resource, subresource, namespace } = info
  return {
    user,
    verb,
    group,
    resource,
    subresource,
    namespace,
    name: info.name || (fieldEquals['metadata.name'] ?? ''),
    path: '',
    fieldEquals,
  }
}
