/** `auth whoami`: who the server takes one for. */
import { Option } from 'commander'
import { SelfSubjectReview } from '../../../lib/api/kinds/identity-review.js'
import type { DefineCommand } from '../../cli/cli.js'
import { alignColumns } from '../../print/align-columns.js'
import { printPrettyJson, printYaml } from '../../print/print-object.js'
import { ask } from './ask.js'

interface Flags {
  readonly output?: 'json' | 'yaml'
}

export const whoami: DefineCommand = (command, cli) => {
  command
    .command('whoami')
    .description('say who one is: name, groups, uid')
    .addOption(new Option('-o, --output <format>', 'json or yaml').choices(['json', 'yaml']))
    .action(async (flags: Flags) => {
      const cluster = await cli.connect()
      const status = await ask<NonNullable<SelfSubjectReview['status']>>(cluster, SelfSubjectReview)
      const review = { apiVersion: SelfSubjectReview.apiVersion, kind: SelfSubjectReview.kind, status }
      if (flags.output === 'json') return await cli.io.out(printPrettyJson(review))
      if (flags.output === 'yaml') return await cli.io.out(await printYaml(review))
      const { username = '', uid, groups = [], extra = {} } = status.userInfo ?? {}
      const rows = [
        ['ATTRIBUTE', 'VALUE'],
        ['Username', username],
        ...(uid === undefined ? [] : [['UID', uid]]),
        ['Groups', `[${groups.join(' ')}]`],
        ...Object.entries(extra).map(([key, values]) => [`Extra: ${key}`, `[${values.join(' ')}]`]),
      ]
      await cli.io.out(alignColumns(rows))
    })
}
