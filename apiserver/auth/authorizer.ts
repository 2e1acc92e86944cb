import type { UserInfo } from './user.js'

/** Verbs of Kubernetes' authorization; `path` requests use the HTTP verb in lower case. */
export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection' | (string & {})

/** The one record that is judged. A request is for a resource (`resource` set) or for a path. */
export interface AccessRequest {
  readonly user: UserInfo
  readonly verb: Verb
  readonly group: string
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  /** For requests that are not for a resource: `/version`. */
  readonly path: string
  /** The field selector of a list or watch, as equality terms: a node may list Tasks only with spec.nodeName=ITSELF. */
  readonly fieldEquals?: Readonly<Record<string, string>>
}

export interface AccessDecision {
  readonly allowed: boolean
  /**
   * Why, in words; goes into the 403. A judge that has nothing to say beyond its refusal leaves it empty; createAuthorizer completes it.
   */
  readonly reason: string
}

/** Judges synchronously, from memory. */
export interface Authorizer {
  authorize(request: AccessRequest): AccessDecision
}
