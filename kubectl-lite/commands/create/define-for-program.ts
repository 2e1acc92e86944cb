/** Brings the kinds of a program to the server; those of a new version of it replace the old. */
import { CustomResourceDefinition } from '../../../lib/api/kinds/custom-resource-definition.js'
import type { Applied } from '../../apply/apply-manifest.js'
import type { Cli } from '../../cli/cli.js'
import { ExitError } from '../../cli/exit-code.js'
import { parseOutputFormat } from '../../print/output-format.js'
import { askProgram } from '../../program/ask-program.js'
import { applyKnown, printApplied } from './apply-known.js'
import type { CreateFlags } from './create-one.js'

export async function defineForProgram(cli: Cli, flags: CreateFlags, program: string): Promise<void> {
  const format = await parseOutputFormat(flags.output)
  const manifests = await askProgram(program, ['--print-definitions'], cli.io)
  const strange = manifests.find(({ kind }) => kind !== CustomResourceDefinition.kind)
  if (strange) throw new ExitError('invalid', `${program} --print-definitions printed a ${strange.kind}: does it end in run(…)?`)
  if (manifests.length === 0) throw new ExitError('failed', `${program} has no kinds of its own, or does not end in run(…)`)
  const applied: Applied[] = []
  for (const manifest of manifests)
    applied.push(await applyKnown(cli.connect, { kind: CustomResourceDefinition, manifest }, flags.dryRun, cli))
  await printApplied(applied, format, flags.dryRun, cli)
}
