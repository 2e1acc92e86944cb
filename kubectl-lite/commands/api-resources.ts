/** `api-resources`: the kinds that the server knows. */
import { Option } from 'commander'
import type { DefineCommand } from '../cli/cli.js'
import { apiVersionOf, qualifiedPlural } from '../cluster/api-resource.js'
import { alignColumns } from '../print/align-columns.js'

interface Flags {
  readonly apiGroup?: string
  readonly namespaced?: string
  readonly verbs?: string
  readonly output?: 'wide' | 'name'
  readonly headers: boolean
}

export const apiResources: DefineCommand = (command, cli) => {
  command
    .option('--api-group <group>', 'only of this group')
    .addOption(new Option('--namespaced <yes>', 'only namespaced ones, or only the others').choices(['true', 'false']))
    .option('--verbs <verbs>', 'only those with all these verbs: list,watch')
    .addOption(new Option('-o, --output <format>', 'wide or name').choices(['wide', 'name']))
    .option('--no-headers', 'no header line')
    .action(async (flags: Flags) => {
      const cluster = await cli.connect()
      const verbs = flags.verbs?.split(',') ?? []
      const resources = (await cluster.discovery.refresh())
        .filter((resource) => flags.apiGroup === undefined || resource.group === flags.apiGroup)
        .filter((resource) => flags.namespaced === undefined || (resource.scope === 'Namespaced') === (flags.namespaced === 'true'))
        .filter((resource) => verbs.every((verb) => resource.verbs.includes(verb)))
        .toSorted((left, right) => (`${left.group}/${left.plural}` < `${right.group}/${right.plural}` ? -1 : 1))
      if (flags.output === 'name') return await cli.io.out(resources.map((resource) => `${qualifiedPlural(resource)}\n`).join(''))
      const wide = flags.output === 'wide'
      const header = ['NAME', 'SHORTNAMES', 'APIVERSION', 'NAMESPACED', 'KIND', ...(wide ? ['VERBS', 'CATEGORIES'] : [])]
      const rows = resources.map((resource) => [
        resource.plural,
        resource.shortNames.join(','),
        apiVersionOf(resource),
        String(resource.scope === 'Namespaced'),
        resource.kind,
        ...(wide ? [resource.verbs.join(','), resource.categories.join(',')] : []),
      ])
      await cli.io.out(alignColumns(flags.headers ? [header, ...rows] : rows))
    })
}
