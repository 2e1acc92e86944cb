/** `create role` and `create clusterrole`: rights from arguments, one rule for each group of resources. */
import type { Command } from 'commander'
import { ClusterRole } from '../../../lib/api/kinds/cluster-role.js'
import type { PolicyRule } from '../../../lib/api/kinds/policy-rule.js'
import { Role } from '../../../lib/api/kinds/role.js'
import type { DefineCommand } from '../../cli/cli.js'
import { UsageError } from '../../cli/exit-code.js'
import type { Cluster } from '../../cluster/cluster.js'
import { type CreateFlags, createOne } from './create-one.js'

interface RoleFlags extends CreateFlags {
  readonly verb: string[]
  readonly resource: string[]
  readonly resourceName: string[]
  readonly nonResourceUrl: string[]
  readonly aggregationRule?: string
}

/** For commander: `--verb get,list --verb watch`. */
export const collect = (text: string, before: string[]) => [...before, ...text.split(',').filter((word) => word !== '')]

export const createRoles: DefineCommand = (command, cli) => {
  for (const kind of [Role, ClusterRole]) {
    const roles = command
      .command(kind.singular)
      .description(kind === Role ? 'rights within one namespace' : 'rights everywhere, or where a binding gives them')
      .argument('<name>')
      .option('--verb <verbs>', 'what is allowed: get,list,watch, or * for all', collect, [])
      .option('--resource <resources>', 'with what: tasks, tasks/log, tasks.millrace.dev', collect, [])
      .option('--resource-name <names>', 'with these names alone', collect, [])
      .action((name: string, _flags: object, own: Command) => {
        const flags = own.optsWithGlobals<RoleFlags>()
        return createOne(cli, kind, flags, name, async (cluster) =>
          flags.aggregationRule === undefined
            ? { rules: await rulesOf(cluster, flags) }
            : { rules: [], aggregationRule: { clusterRoleSelectors: [{ matchLabels: labelsOf(flags.aggregationRule) }] } },
        )
      })
    if (kind === ClusterRole)
      roles
        .option('--non-resource-url <paths>', 'with paths that are no resources: /metrics', collect, [])
        .option('--aggregation-rule <labels>', 'gathers the rules of all roles with these labels: KEY=VALUE')
  }
}

async function rulesOf(cluster: Cluster, { verb, resource, resourceName, nonResourceUrl = [] }: RoleFlags): Promise<PolicyRule[]> {
  if (verb.length === 0) throw new UsageError('say with --verb what is allowed')
  if (resource.length + nonResourceUrl.length === 0) throw new UsageError('say with --resource what it is allowed with')
  const byGroup = new Map<string, string[]>()
  for (const text of resource) {
    const { group, name } = await resolveResource(cluster, text)
    byGroup.set(group, [...(byGroup.get(group) ?? []), name])
  }
  const names = resourceName.length > 0 ? { resourceNames: resourceName } : {}
  return [
    ...[...byGroup].map(([group, resources]) => ({ verbs: verb, apiGroups: [group], resources, ...names })),
    ...(nonResourceUrl.length > 0 ? [{ verbs: verb, nonResourceURLs: nonResourceUrl }] : []),
  ]
}

/** `tasks.millrace.dev/log` → the group, and `tasks/log` as rules have it. */
async function resolveResource(cluster: Cluster, text: string): Promise<{ group: string; name: string }> {
  if (text === '*') return { group: '*', name: '*' }
  const [word = '', ...subresources] = text.split('/')
  const { group, plural } = await cluster.discovery.findOne(word)
  return { group, name: [plural, ...subresources].join('/') }
}

function labelsOf(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const [key = '', value, ...rest] = pair.split('=')
      if (key === '' || value === undefined || rest.length > 0) throw new UsageError(`--aggregation-rule takes KEY=VALUE, not ${pair}`)
      return [key, value]
    }),
  )
}
