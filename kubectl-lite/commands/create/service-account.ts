/** `create serviceaccount NAME`; with `--for FILE` also all that a program needs to run as it (create-for-program.ts). */
import type { Command } from 'commander'
import { ServiceAccount } from '../../../lib/api/kinds/service-account.js'
import type { DefineCommand } from '../../cli/cli.js'
import { UsageError } from '../../cli/exit-code.js'
import { parseDuration } from '../../cli/timeout.js'
import type { ProgramAccountFlags } from './create-for-program.js'
import { createOne } from './create-one.js'

interface AccountFlags extends ProgramAccountFlags {
  readonly for?: string
}

export const createServiceAccount: DefineCommand = (command, cli) => {
  command
    .command('serviceaccount')
    .alias('sa')
    .description('an identity for programs')
    .argument('<name>')
    .option('--for <file>', 'with the rights that this program needs: its .ts or .js file')
    .option('--duration <duration>', 'with --for: how long the token is good, unless the program renews it; default: 168h', parseDuration)
    .option('--kubeconfig-out <file>', 'with --for: where the kubeconfig goes; default: NAME.kubeconfig')
    .action(async (name: string, _flags: object, own: Command) => {
      const flags = own.optsWithGlobals<AccountFlags>()
      if (flags.for !== undefined) return await (await import('./create-for-program.js')).createForProgram(cli, name, flags, flags.for)
      if (flags.duration !== undefined || flags.kubeconfigOut !== undefined)
        throw new UsageError('--duration and --kubeconfig-out go with --for FILE')
      await createOne(cli, ServiceAccount, flags, name, () => ({}))
    })
}
