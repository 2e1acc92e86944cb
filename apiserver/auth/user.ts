/** Who makes a request. Every caller has a name and groups; see authenticate.ts for where they come from. */
export interface UserInfo {
  readonly name: string
  readonly groups: readonly string[]
  readonly uid?: string
}

/** Member of every authenticated user. */
export const authenticatedGroup = 'system:authenticated'
/** May do everything. */
export const mastersGroup = 'system:masters'
export const nodesGroup = 'system:nodes'
export const bootstrappersGroup = 'system:bootstrappers'
/** Of every ServiceAccount; those of one namespace are also in `system:serviceaccounts:NAMESPACE`. */
export const serviceAccountsGroup = 'system:serviceaccounts'

/** The API server itself, where it writes what every cluster has. No credential makes it: it is told by being this very object. */
export const serverUser: UserInfo = { name: 'system:apiserver', groups: [mastersGroup] }

/** `system:node:n1` → `n1`, for members of system:nodes only. */
export function nodeNameOf(user: UserInfo): string | undefined {
  return user.groups.includes(nodesGroup) && user.name.startsWith('system:node:') ? user.name.slice('system:node:'.length) : undefined
}

/** The user that a ServiceAccount is. */
export function serviceAccountUserName(namespace: string, name: string): string {
  return `system:serviceaccount:${namespace}:${name}`
}
