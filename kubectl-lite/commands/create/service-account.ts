import type { Command } from 'commander'
import { ServiceAccount } from '../../../lib/api/kinds/service-account.js'
import type { DefineCommand } from '../../cli/cli.js'
import { type CreateFlags, createOne } from './create-one.js'

export const createServiceAccount: DefineCommand = (command, cli) => {
  command
    .command('serviceaccount')
    .alias('sa')
    .description('an identity for programs')
    .argument('<name>')
    .action((name: string, _flags: object, own: Command) =>
      createOne(cli, ServiceAccount, own.optsWithGlobals<CreateFlags>(), name, () => ({})),
    )
}
