/** `create customresourcedefinition --for FILE`: brings the kinds of a program to the server; those of a new version of it replace the old. */
import type { Command } from 'commander'
import { CustomResourceDefinition } from '../../../lib/api/kinds/custom-resource-definition.js'
import type { DefineCommand } from '../../cli/cli.js'
import { ExitError } from '../../cli/exit-code.js'
import { parseOutputFormat } from '../../print/output-format.js'
import { askProgram } from '../../program/ask-program.js'
import { applyKnown, printApplied } from './apply-known.js'
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
      const format = await parseOutputFormat(flags.output)
      const manifests = await askProgram(flags.for, ['--print-definitions'], cli.io)
      const strange = manifests.find(({ kind }) => kind !== CustomResourceDefinition.kind)
      if (strange) throw new ExitError('invalid', `${flags.for} --print-definitions printed a ${strange.kind}: does it end in run(…)?`)
      if (manifests.length === 0) throw new ExitError('failed', `${flags.for} has no kinds of its own, or does not end in run(…)`)
      const applied = []
      for (const manifest of manifests)
        applied.push(await applyKnown(cli.connect, { kind: CustomResourceDefinition, manifest }, flags.dryRun, cli))
      await printApplied(applied, format, flags.dryRun, cli)
    })
}
