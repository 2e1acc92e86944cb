/** `create rolebinding` and `create clusterrolebinding`: gives a role to users, groups and ServiceAccounts. */
import type { Command } from 'commander'
import type { Subject } from '../../../lib/api/kinds/binding-parts.js'
import { ClusterRoleBinding } from '../../../lib/api/kinds/cluster-role-binding.js'
import { rbacGroup } from '../../../lib/api/kinds/role.js'
import { RoleBinding } from '../../../lib/api/kinds/role-binding.js'
import type { DefineCommand } from '../../cli/cli.js'
import { UsageError } from '../../cli/exit-code.js'
import { type CreateFlags, createOne } from './create-one.js'
import { collect } from './roles.js'

interface BindingFlags extends CreateFlags {
  readonly role?: string
  readonly clusterrole?: string
  readonly user: string[]
  readonly group: string[]
  readonly serviceaccount: string[]
}

export const createBindings: DefineCommand = (command, cli) => {
  for (const kind of [RoleBinding, ClusterRoleBinding]) {
    const bindings = command
      .command(kind.singular)
      .description(kind === RoleBinding ? 'gives the rights of a role within its namespace' : 'gives the rights of a role everywhere')
      .argument('<name>')
      .option('--clusterrole <name>', 'the ClusterRole')
      .option('--user <names>', 'who gets them', collect, [])
      .option('--group <names>', 'groups that get them', collect, [])
      .option('--serviceaccount <names>', 'ServiceAccounts that get them: NAMESPACE:NAME', collect, [])
      .action((name: string, _flags: object, own: Command) => {
        const flags = own.optsWithGlobals<BindingFlags>()
        return createOne(cli, kind, flags, name, () => ({ roleRef: roleRefOf(flags), subjects: subjectsOf(flags) }))
      })
    if (kind === RoleBinding) bindings.option('--role <name>', 'the Role')
  }
}

function roleRefOf({ role, clusterrole }: BindingFlags) {
  if (role !== undefined && clusterrole !== undefined) throw new UsageError('name one role: with --role or with --clusterrole')
  const name = role ?? clusterrole
  if (name === undefined) throw new UsageError('name the role: with --clusterrole, or for a rolebinding with --role')
  return { apiGroup: rbacGroup, kind: role === undefined ? 'ClusterRole' : 'Role', name }
}

function subjectsOf({ user, group, serviceaccount }: BindingFlags): Subject[] {
  return [
    ...user.map((name) => ({ kind: 'User' as const, apiGroup: rbacGroup, name })),
    ...group.map((name) => ({ kind: 'Group' as const, apiGroup: rbacGroup, name })),
    ...serviceaccount.map((text) => {
      const [namespace = '', name, ...rest] = text.split(':')
      if (namespace === '' || !name || rest.length > 0) throw new UsageError(`--serviceaccount takes NAMESPACE:NAME, not ${text}`)
      return { kind: 'ServiceAccount' as const, namespace, name }
    }),
  ]
}
