import type { Command } from 'commander'
import { Namespace } from '../../../lib/api/kinds/namespace.js'
import type { DefineCommand } from '../../cli/cli.js'
import { type CreateFlags, createOne } from './create-one.js'

export const createNamespace: DefineCommand = (command, cli) => {
  command
    .command('namespace')
    .alias('ns')
    .description('a room of its own for names and rights')
    .argument('<name>')
    .action((name: string, _flags: object, own: Command) => createOne(cli, Namespace, own.optsWithGlobals<CreateFlags>(), name, () => ({})))
}
