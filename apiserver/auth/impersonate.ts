/**
 * Impersonation: whoever may, makes a request as somebody else (`kubectl --as`). Each part of the other identity is a right of its own,
 * with the verb impersonate: the user or ServiceAccount, every group, the uid, every further fact.
 */
import type { IncomingMessage } from 'node:http'
import { badRequest, forbidden } from '../../lib/api/api-error.js'
import type { AccessRequest, Authorizer } from './authorizer.js'
import { authenticatedGroup, parseServiceAccountUser, serviceAccountUser, type UserInfo } from './user.js'

type Authenticate = (request: IncomingMessage) => UserInfo

/**
 * Reads the Impersonate headers of requests whose sender `authenticate` has told.
 * Throws Forbidden, or BadRequest for headers that make no sense.
 */
export function withImpersonation(authenticate: Authenticate, authorizer: Authorizer): Authenticate {
  return (request) => {
    const user = authenticate(request)
    return hasImpersonation(request) ? impersonate(authorizer, user, readWish(request)) : user
  }
}

/** Who somebody wants to be. */
interface Wish {
  readonly name: string
  readonly groups: readonly string[]
  readonly uid: string | undefined
  readonly extra: Readonly<Record<string, readonly string[]>>
}

const prefix = 'impersonate-'
const extraPrefix = 'impersonate-extra-'

function hasImpersonation({ headers }: IncomingMessage): boolean {
  for (const name in headers) if (name.startsWith(prefix)) return true
  return false
}

/** Values of repeated headers stay apart: a group may hold a comma. */
function readWish({ headersDistinct }: IncomingMessage): Wish {
  const [name = '', ...names] = headersDistinct['impersonate-user'] ?? []
  const [uid, ...uids] = headersDistinct['impersonate-uid'] ?? []
  if (name === '' || names.length > 0 || uids.length > 0)
    throw badRequest('impersonation needs exactly one Impersonate-User, and at most one Impersonate-Uid')
  const extra = Object.entries(headersDistinct).flatMap(([header, values = []]) =>
    header.startsWith(extraPrefix) ? [[decodeKey(header.slice(extraPrefix.length)), values] as const] : [],
  )
  return { name, groups: headersDistinct['impersonate-group'] ?? [], uid, extra: Object.fromEntries(extra) }
}

function decodeKey(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw badRequest(`the header Impersonate-Extra-${text} is not valid percent-encoding`)
  }
}

function impersonate(authorizer: Authorizer, user: UserInfo, { name, groups, uid, extra }: Wish): UserInfo {
  const demand = (part: Partial<AccessRequest> & Pick<AccessRequest, 'resource' | 'name'>) => {
    const request = { user, verb: 'impersonate', group: '', subresource: '', namespace: '', path: '', ...part }
    const { allowed, reason } = authorizer.authorize(request)
    if (!allowed) throw forbidden({ group: request.group, resource: request.resource, name: request.name }, reason)
  }
  const account = parseServiceAccountUser(name)
  if (account) demand({ resource: 'serviceaccounts', ...account })
  else demand({ resource: 'users', name })
  for (const group of groups) demand({ resource: 'groups', name: group })
  if (uid !== undefined) demand({ group: 'authentication.k8s.io', resource: 'uids', name: uid })
  for (const [key, values] of Object.entries(extra))
    for (const value of values) demand({ group: 'authentication.k8s.io', resource: 'userextras', subresource: key, name: value })
  return {
    name,
    groups: groupsOf(name, groups.length === 0 && account ? serviceAccountUser(account.namespace, account.name).groups : groups),
    ...(uid === undefined ? {} : { uid }),
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
    impersonator: user.impersonator ?? user.name,
  }
}

/** Everybody but the anonymous user is authenticated. */
function groupsOf(name: string, groups: readonly string[]): readonly string[] {
  const implied = name === 'system:anonymous' ? 'system:unauthenticated' : authenticatedGroup
  return groups.includes(implied) || groups.includes('system:unauthenticated') ? groups : [...groups, implied]
}
