import type { Command } from 'commander'
import { VpsSnapshot } from '../../../lib/api/kinds/vps-snapshot.js'
import type { DefineCommand } from '../../cli/cli.js'
import { type CreateFlags, createOne } from './create-one.js'

interface SnapshotFlags extends CreateFlags {
  readonly vps: string
  readonly message?: string
}

export const createVpsSnapshot: DefineCommand = (command, cli) => {
  command
    .command('vpssnapshot')
    .alias('snapshot')
    .description('a copy of the disk of a Vps')
    .argument('<name>')
    .requiredOption('--vps <name>', 'the Vps whose disk is copied, running or stopped')
    .option('--message <text>', 'what people want to remember of it')
    .action((name: string, _flags: object, own: Command) => {
      const flags = own.optsWithGlobals<SnapshotFlags>()
      const { vps, message } = flags
      return createOne(cli, VpsSnapshot, flags, name, () => ({ spec: { vpsName: vps, ...(message === undefined ? {} : { message }) } }))
    })
}
