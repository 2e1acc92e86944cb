/** `create customresourcedefinition --for FILE` (define-for-program.ts). */
import type { Command } from 'commander'
import type { DefineCommand } from '../../cli/cli.js'
import type { CreateFlags } from './create-one.js'

interface DefinitionFlags extends CreateFlags {
  readonly for: string
}

export const createCustomResourceDefinition: DefineCommand = (command, cli) => {
  command
    .command('customresourcedefinition')
    .alias('crd')
    .description('the kinds that a program of yours declares')
    .requiredOption('--for <file>', 'the program: its .ts or .js file')
    .action(async (_flags: object, own: Command) => {
      const flags = own.optsWithGlobals<DefinitionFlags>()
      // Loaded here: it knows what a definition may say, which is much.
      const { defineForProgram } = await import('./define-for-program.js')
      await defineForProgram(cli, flags, flags.for)
    })
}
