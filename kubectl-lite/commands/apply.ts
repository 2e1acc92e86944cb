/** `apply`: makes the cluster match manifests. The server merges; `--server-side=false` merges here, as kubectl does without the flag. */
import { Option } from 'commander'
import { type ApplyMethod, applyManifest } from '../apply/apply-manifest.js'
import type { DefineCommand } from '../cli/cli.js'
import { type DryRun, dryRunOption, printDone } from '../cli/dry-run.js'
import { ExitError, UsageError } from '../cli/exit-code.js'
import { forEach } from '../cli/for-each.js'
import { printObject } from '../cluster/api-resource.js'
import { readManifests } from '../manifests/read-manifests.js'
import { parseOutputFormat } from '../print/output-format.js'
import { explainUnknownFields } from '../schema/unknown-fields.js'
import { printObjects } from './get/as-objects.js'

interface Flags {
  readonly filename?: string[]
  readonly recursive?: boolean
  readonly dryRun: DryRun
  readonly output?: string
  readonly prune?: boolean
  readonly serverSide?: 'true' | 'false'
  readonly forceConflicts?: boolean
  readonly fieldManager?: string
}

export const apply: DefineCommand = (command, cli) => {
  command
    .option('-f, --filename <file...>', 'files, directories, or - for standard input')
    .option('-R, --recursive', 'with a directory: folders below too')
    .addOption(dryRunOption())
    .option('-o, --output <format>', 'print the objects: json, yaml, name, jsonpath=…')
    .option('--prune', 'not supported yet')
    .addOption(
      new Option('--server-side [boolean]', 'whether the server merges and knows who manages what; default: true')
        .choices(['true', 'false'])
        .preset('true'),
    )
    .option('--force-conflicts', 'take fields that others manage')
    .option('--field-manager <name>', 'who applies; default: kubectl, which both clients use')
    .action(async (flags: Flags) => {
      if (flags.prune)
        throw new UsageError('apply --prune is not supported yet: delete what is no longer wanted with delete -f or delete -l')
      const method = methodOf(flags)
      const manifests = await readManifests(flags.filename ?? [], flags.recursive === true, cli.io)
      const format = await parseOutputFormat(flags.output)
      const cluster = await cli.connect()
      await forEach(manifests, cli.io, async (manifest) => {
        const { resource, outcome, object } = await applyManifest(cluster, manifest, method, (text) =>
          cli.io.err(`Warning: ${text}\n`),
        ).catch(async (error: unknown) => {
          throw await explainUnknownFields(cluster, manifest, error)
        })
        if (format.type === 'table') await cli.io.out(printDone(printObject(resource, object.metadata.name), outcome, flags.dryRun))
        else await cli.io.out(await printObjects([{ resource, object }], format, true, { headers: true }))
      })
      if (cli.io.signal.aborted) throw new ExitError('interrupted')
    })
}

function methodOf({ serverSide, forceConflicts = false, fieldManager, dryRun }: Flags): ApplyMethod {
  if (serverSide === 'false' && forceConflicts) throw new UsageError('--force-conflicts only works with --server-side')
  if (serverSide === 'true' && dryRun === 'client')
    throw new UsageError('--dry-run=client does not work with --server-side: --dry-run=server lets the server say what would be')
  return { serverSide: serverSide !== 'false', force: forceConflicts, fieldManager, dryRun }
}
