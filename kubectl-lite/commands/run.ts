/** `run`: one Task from the command line. */
import { type Command, Option } from 'commander'
import type { KubeObject } from '../../lib/api/define-kind.js'
import type { DefineCommand } from '../cli/cli.js'
import { type DryRun, dryRunOption, printDone } from '../cli/dry-run.js'
import { UsageError } from '../cli/exit-code.js'
import { printObject } from '../cluster/api-resource.js'
import { createObject } from '../cluster/objects.js'
import type { Manifest } from '../manifests/decode-manifests.js'
import { parseOutputFormat } from '../print/output-format.js'
import { printObjects } from './get/as-objects.js'

interface Flags {
  readonly image?: string
  readonly backend?: string
  readonly command?: boolean
  readonly env?: string[]
  readonly labels?: string
  readonly restart: string
  readonly requests?: string
  readonly limits?: string
  readonly target?: string
  readonly dryRun: DryRun
  readonly output?: string
}

export const run: DefineCommand = (command, cli) => {
  command
    .argument('<name>', 'the name of the Task')
    .argument('[words...]', 'after --: what to run (for an image: its arguments, or with --command the command)')
    .option('--image <image>', 'the container image; without one the Task is a plain process')
    .addOption(
      new Option('--backend <name>', 'what runs it (default: docker with --image, else process)').choices(['docker', 'process', 'qemu']),
    )
    .option('--command', 'with --image: the words replace the entrypoint of the image')
    .option('--env <NAME=VALUE...>', 'environment variables')
    .option('--labels <pairs>', 'labels: app=web,tier=test')
    .addOption(new Option('--restart <policy>', 'when it is started again').choices(['Never', 'OnFailure', 'Always']).default('Never'))
    .option('--requests <amounts>', 'what is reserved: cpu=500m,memory=64Mi')
    .option('--limits <amounts>', 'what may be used at most: cpu=1,memory=128Mi')
    .option('--target <target>', 'where it must run: NODE[:NUMA][::GPU,GPU]')
    .addOption(dryRunOption())
    .option('-o, --output <format>', 'print the Task: json, yaml, name, jsonpath=…')
    .addHelpText('after', '\nExample: kubectl-lite run hello -- sh -c "echo hello"')
    .action(async (name: string, words: string[], flags: Flags, self: Command) => {
      const manifest = taskManifest(name, words, flags)
      if (words.length === 0 && flags.image === undefined)
        return self.error('error: say what to run, after --: kubectl-lite run hello -- echo hello')
      const format = await parseOutputFormat(flags.output)
      const cluster = await cli.connect()
      const resource = await cluster.discovery.ofKind(manifest.apiVersion, manifest.kind)
      const write = { fieldManager: 'kubectl-run', dryRun: flags.dryRun === 'server' }
      const object =
        flags.dryRun === 'client'
          ? (manifest as unknown as KubeObject)
          : await createObject(cluster.client, resource, cluster.namespace, manifest, write)
      if (format.type === 'table') await cli.io.out(printDone(printObject(resource, object.metadata.name), 'created', flags.dryRun))
      else await cli.io.out(await printObjects([{ resource, object }], format, true, { headers: true }))
    })
}

/** The Task that the flags describe. */
function taskManifest(name: string, words: readonly string[], flags: Omit<Flags, 'dryRun' | 'output'>): Manifest {
  const asArguments = flags.image !== undefined && flags.backend !== 'process' && !flags.command
  const resources = {
    ...(flags.requests === undefined ? {} : { requests: pairs(flags.requests, '--requests') }),
    ...(flags.limits === undefined ? {} : { limits: pairs(flags.limits, '--limits') }),
  }
  return {
    apiVersion: 'millrace.dev/v1',
    kind: 'Task',
    metadata: { name, labels: { run: name, ...(flags.labels === undefined ? {} : pairs(flags.labels, '--labels')) } },
    spec: {
      ...(flags.backend === undefined ? {} : { backend: flags.backend }),
      ...(flags.image === undefined ? {} : { image: flags.image }),
      ...(words.length === 0 ? {} : asArguments ? { args: words } : { command: words }),
      ...(flags.env === undefined
        ? {}
        : { env: flags.env.map((pair) => ({ name: key(pair, '--env'), value: pair.slice(pair.indexOf('=') + 1) })) }),
      ...(Object.keys(resources).length === 0 ? {} : { resources }),
      ...(flags.target === undefined ? {} : { target: flags.target }),
      restartPolicy: flags.restart,
    },
  }
}

function pairs(text: string, flag: string): Record<string, string> {
  return Object.fromEntries(text.split(',').map((pair) => [key(pair, flag), pair.slice(pair.indexOf('=') + 1)]))
}

function key(pair: string, flag: string): string {
  const equals = pair.indexOf('=')
  if (equals < 1) throw new UsageError(`${flag}: "${pair}" is not NAME=VALUE`)
  return pair.slice(0, equals)
}
