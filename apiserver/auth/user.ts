/** Who makes a request. Every caller has a name and groups; see authenticate.ts for where they come from. */
export interface UserInfo {
  readonly name: string
  readonly groups: readonly string[]
  readonly uid?: string
  /** Further facts about the credential or the user, as Kubernetes' clients show them. */
  readonly extra?: Readonly<Record<string, readonly string[]>>
  /** Who really asks, where somebody asks as somebody else. */
  readonly impersonator?: string
}

/** The user, for the record of who wrote what. */
export function actorOf({ name, impersonator }: UserInfo): string {
  return impersonator === undefined ? name : `${name} (impersonated by ${impersonator})`
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

const serviceAccountPrefix = 'system:serviceaccount:'

/** The name of the user that a ServiceAccount is. */
export function serviceAccountUserName(namespace: string, name: string): string {
  return `${serviceAccountPrefix}${namespace}:${name}`
}

/** The user that a ServiceAccount is. */
export function serviceAccountUser(namespace: string, name: string): UserInfo {
  const groups = [serviceAccountsGroup, `${serviceAccountsGroup}:${namespace}`, authenticatedGroup]
  return { name: serviceAccountUserName(namespace, name), groups }
}

/** `system:serviceaccount:default:robot` → the ServiceAccount; undefined for other names. */
export function parseServiceAccountUser(userName: string): { namespace: string; name: string } | undefined {
  if (!userName.startsWith(serviceAccountPrefix)) return undefined
  const [namespace, name, ...rest] = userName.slice(serviceAccountPrefix.length).split(':')
  return namespace && name && rest.length === 0 ? { namespace, name } : undefined
}
