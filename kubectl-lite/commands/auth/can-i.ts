/** `auth can-i VERB RESOURCE[/NAME]`: yes or no, and the exit code 0 or 1; with `--list` everything that is allowed. */
import { type AccessStatus, SelfSubjectAccessReview } from '../../../lib/api/kinds/access-review.js'
import { SelfSubjectRulesReview } from '../../../lib/api/kinds/rules-review.js'
import type { DefineCommand } from '../../cli/cli.js'
import { ExitError, UsageError } from '../../cli/exit-code.js'
import type { Cluster } from '../../cluster/cluster.js'
import { alignColumns } from '../../print/align-columns.js'
import { ask } from './ask.js'

interface Flags {
  readonly list?: boolean
  readonly subresource?: string
  readonly allNamespaces?: boolean
  readonly quiet?: boolean
  readonly headers: boolean
}

export const canI: DefineCommand = (command, cli) => {
  command
    .command('can-i')
    .description('say whether something is allowed: can-i create tasks, can-i get secrets/one, can-i get /metrics')
    .argument('[verb]')
    .argument('[resource]', 'RESOURCE, RESOURCE/NAME, or a path that begins with /')
    .argument('[name]')
    .option('--list', 'all that is allowed in the namespace')
    .option('--subresource <name>', 'a part of the resource: log, exec, status')
    .option('-A, --all-namespaces', 'in all namespaces')
    .option('-q, --quiet', 'only the exit code')
    .option('--no-headers', 'with --list: no header line')
    .action(async (verb: string | undefined, resource: string | undefined, name: string | undefined, flags: Flags) => {
      if (flags.list) {
        if (verb !== undefined) throw new UsageError('--list takes no verb')
        const cluster = await cli.connect()
        return await cli.io.out(await listRules(cluster, flags))
      }
      if (verb === undefined || resource === undefined)
        throw new UsageError('say what is to be done with what: kubectl-lite auth can-i create tasks')
      const cluster = await cli.connect()
      const spec = resource.startsWith('/')
        ? { nonResourceAttributes: { path: resource, verb } }
        : { resourceAttributes: { verb, ...(await attributesOf(cluster, resource, name, flags)) } }
      const { allowed, reason = '' } = await ask<AccessStatus>(cluster, SelfSubjectAccessReview, spec)
      if (!flags.quiet) await cli.io.out(allowed ? 'yes\n' : `no${reason === '' ? '' : ` - ${reason}`}\n`)
      if (!allowed) throw new ExitError('failed')
    })
}

async function attributesOf(cluster: Cluster, text: string, given: string | undefined, flags: Flags) {
  const [word = '', name = given ?? ''] = text.split('/')
  const { group, plural, scope } = word === '*' ? { group: '*', plural: '*', scope: 'Namespaced' } : await cluster.discovery.findOne(word)
  const namespace = flags.allNamespaces || scope === 'Cluster' ? '' : cluster.namespace
  return { group, resource: plural, subresource: flags.subresource ?? '', namespace, name }
}

async function listRules(cluster: Cluster, flags: Flags): Promise<string> {
  type Rules = NonNullable<SelfSubjectRulesReview['status']>
  const { resourceRules, nonResourceRules } = await ask<Rules>(cluster, SelfSubjectRulesReview, { namespace: cluster.namespace })
  const rows = [
    ...resourceRules.flatMap(({ verbs, apiGroups = [], resources = [], resourceNames = [] }) =>
      apiGroups.flatMap((group) => resources.map((resource) => [qualified(resource, group), '[]', print(resourceNames), print(verbs)])),
    ),
    ...nonResourceRules.map(({ verbs, nonResourceURLs = [] }) => ['', print(nonResourceURLs), '[]', print(verbs)]),
  ]
  const header = ['RESOURCES', 'NON-RESOURCE URLS', 'RESOURCE NAMES', 'VERBS']
  return alignColumns(flags.headers ? [header, ...rows] : rows)
}

/** `tasks.millrace.dev/log`, as kubectl prints it. */
function qualified(resource: string, group: string): string {
  const [name = '', ...subresources] = resource.split('/')
  return [group === '' ? name : `${name}.${group}`, ...subresources].join('/')
}

const print = (values: readonly string[]) => `[${values.join(' ')}]`
