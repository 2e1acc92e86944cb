import { isDnsLabel } from '../../lib/api/names.js'

/** The Vps that an SSH user name chooses. */
export interface LoginName {
  readonly namespace: string
  readonly name: string
}

/** `dev.team` is the Vps dev of the namespace team, `dev` that of the namespace default. Undefined for what can be no Vps. */
export function parseLoginName(user: string): LoginName | undefined {
  const [name = '', namespace = 'default', ...rest] = user.split('.')
  return rest.length === 0 && isDnsLabel(name) && isDnsLabel(namespace) ? { namespace, name } : undefined
}

/** The user name that chooses a Vps, and its namespace for everybody to see. */
export function printLoginName({ namespace, name }: LoginName): string {
  return `${name}.${namespace}`
}
