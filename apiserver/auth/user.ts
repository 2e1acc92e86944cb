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

/** `system:node:n1` → `n1`, for members of system:nodes only. */
export function nodeNameOf(user: UserInfo): string | undefined {
  return user.groups.includes(nodesGroup) && user.name.startsWith('system:node:') ? user.name.slice('system:node:'.length) : undefined
}
