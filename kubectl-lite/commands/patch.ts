/** `patch`: sends a merge patch or a JSON patch. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { Option } from 'commander'
import type { DefineCommand } from '../cli/cli.js'
import { type DryRun, dryRunOption, printDone } from '../cli/dry-run.js'
import { UsageError } from '../cli/exit-code.js'
import { forEach } from '../cli/for-each.js'
import { printObject } from '../cluster/api-resource.js'
import { getObject, type PatchType, patchObject } from '../cluster/objects.js'
import { findTargets, type TargetFlags, withTargetFlags } from '../cluster/target-objects.js'
import { parseOutputFormat } from '../print/output-format.js'
import { printObjects } from './get/as-objects.js'

interface Flags extends TargetFlags {
  readonly patch?: string
  readonly patchFile?: string
  readonly type: PatchType
  readonly subresource?: string
  readonly dryRun: DryRun
  readonly output?: string
}

export const patch: DefineCommand = (command, cli) => {
  withTargetFlags(command.argument('[words...]', 'KIND NAME or KIND/NAME'))
    .option('-p, --patch <patch>', 'the patch, as JSON or YAML')
    .option('--patch-file <file>', 'a file that holds the patch')
    .addOption(new Option('--type <type>', 'merge (RFC 7386) or json (RFC 6902)').choices(['merge', 'json', 'strategic']).default('merge'))
    .addOption(new Option('--subresource <name>', 'change a subresource').choices(['status']))
    .addOption(dryRunOption())
    .option('-o, --output <format>', 'print the object: json, yaml, name, jsonpath=…')
    .action(async (words: string[], flags: Flags) => {
      const { type } = flags
      if (type === 'strategic')
        throw new UsageError('--type=strategic is not supported: use --type=merge, in which lists are replaced as a whole, or --type=json')
      const body = await readPatch(flags, cli.io.cwd)
      if ((type === 'json') !== Array.isArray(body))
        throw new UsageError(
          type === 'json' ? 'a JSON patch is a list of operations' : 'a merge patch is a map; a list of operations needs --type=json',
        )
      const format = await parseOutputFormat(flags.output)
      const cluster = await cli.connect()
      await forEach(await findTargets(cluster, words, flags, cli.io), cli.io, async (target) => {
        const live = await getObject(cluster.client, target.resource, target)
        const write = { fieldManager: 'kubectl-patch', dryRun: flags.dryRun === 'server', subresource: flags.subresource }
        const object = flags.dryRun === 'client' ? live : await patchObject(cluster.client, target.resource, target, type, body, write)
        const changed = flags.dryRun === 'client' || object.metadata.resourceVersion !== live.metadata.resourceVersion
        if (format.type === 'table')
          await cli.io.out(printDone(printObject(target.resource, target.name), changed ? 'patched' : 'patched (no change)', flags.dryRun))
        else await cli.io.out(await printObjects([{ resource: target.resource, object }], format, true, { headers: true }))
      })
    })
}

async function readPatch(flags: Flags, cwd: string): Promise<unknown> {
  if ((flags.patch === undefined) === (flags.patchFile === undefined))
    throw new UsageError('give the patch with -p, or a file with --patch-file')
  const text = flags.patch ?? (await readFile(path.resolve(cwd, flags.patchFile ?? ''), 'utf8'))
  const { parse } = await import('yaml')
  try {
    return parse(text) as unknown
  } catch (error) {
    throw new UsageError(
      `the patch cannot be read: ${error instanceof Error ? error.message.split('\n')[0]?.replace(/:$/, '') : String(error)}`,
    )
  }
}
