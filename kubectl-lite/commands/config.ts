/** `config`: shows and changes kubeconfig files. Nothing but `merge` ever writes ~/.kube/config. */
import path from 'node:path'
import { addToKubeconfig } from '../../lib/client/kubeconfig/add-to-kubeconfig.js'
import type { Kubeconfig } from '../../lib/client/kubeconfig/kubeconfig.js'
import { readKubeconfigFile, readKubeconfigs } from '../../lib/client/kubeconfig/load-kubeconfig.js'
import { defaultClusterKubeconfig, homeKubeconfig } from '../../lib/client/kubeconfig/locate-kubeconfig.js'
import { changeKubeconfig } from '../../lib/client/kubeconfig/write-kubeconfig.js'
import type { Cli, DefineCommand } from '../cli/cli.js'
import { didYouMean } from '../cli/did-you-mean.js'
import { UsageError } from '../cli/exit-code.js'
import { alignColumns } from '../print/align-columns.js'
import { printPrettyJson, printYaml } from '../print/print-object.js'

const secretFields = ['client-key-data', 'client-certificate-data', 'token', 'password']

export const config: DefineCommand = (command, cli) => {
  command
    .command('view')
    .description('print the kubeconfig that is in use')
    .option('--raw', 'keys and certificates too')
    .option('--minify', 'only what the current context uses')
    .option('-o, --output <format>', 'yaml or json', 'yaml')
    .action(async (flags: { raw?: boolean; minify?: boolean; output: string }) => {
      const { file } = await read(cli)
      const shown = flags.minify ? minify(file, cli.flags.context) : file
      const printed = flags.raw ? shown : withoutSecrets(shown)
      await cli.io.out(flags.output === 'json' ? printPrettyJson(printed) : await printYaml(printed))
    })
  command
    .command('get-contexts')
    .description('list the contexts')
    .option('-o, --output <format>', 'name: names only')
    .option('--no-headers', 'no header line')
    .action(async (flags: { output?: string; headers: boolean }) => {
      const { file } = await read(cli)
      const contexts = file.contexts ?? []
      if (flags.output === 'name') return await cli.io.out(contexts.map(({ name }) => `${name}\n`).join(''))
      const rows = contexts.map(({ name, context }) => [
        name === file['current-context'] ? '*' : '',
        name,
        context.cluster ?? '',
        context.user ?? '',
        context.namespace ?? '',
      ])
      await cli.io.out(alignColumns(flags.headers ? [['CURRENT', 'NAME', 'CLUSTER', 'AUTHINFO', 'NAMESPACE'], ...rows] : rows))
    })
  command
    .command('current-context')
    .description('print the name of the current context')
    .action(async () => {
      const { file } = await read(cli)
      if (!file['current-context']) throw new UsageError('current-context is not set: kubectl-lite config use-context NAME')
      await cli.io.out(`${file['current-context']}\n`)
    })
  command
    .command('use-context')
    .description('make a context the current one')
    .argument('<name>')
    .action(async (name: string) => {
      await change(cli, (file) => {
        knownContext(file, name)
        return { ...file, 'current-context': name }
      })
      await cli.io.out(`Switched to context "${name}".\n`)
    })
  command
    .command('set-context')
    .description('change the namespace, cluster or user of a context')
    .argument('[name]')
    .option('--current', 'the current context')
    .option('--cluster <name>', 'its cluster')
    .option('--user <name>', 'its user')
    .action(async (given: string | undefined, flags: { current?: boolean; cluster?: string; user?: string }) => {
      let verb = 'modified'
      let name = given ?? ''
      await change(cli, (file) => {
        name = flags.current ? (file['current-context'] ?? '') : name
        if (name === '') throw new UsageError('name a context, or give --current')
        const fields = Object.fromEntries(
          Object.entries({ cluster: flags.cluster, user: flags.user, namespace: cli.flags.namespace }).filter(
            ([, value]) => value !== undefined,
          ),
        )
        const contexts = file.contexts ?? []
        if (contexts.some((entry) => entry.name === name))
          return {
            ...file,
            contexts: contexts.map((entry) => (entry.name === name ? { name, context: { ...entry.context, ...fields } } : entry)),
          }
        verb = 'created'
        return { ...file, contexts: [...contexts, { name, context: fields }] }
      })
      await cli.io.out(`Context "${name}" ${verb}.\n`)
    })
  command
    .command('merge')
    .description('add a kubeconfig (default: that of the default cluster) to ~/.kube/config')
    .argument('[file]')
    .option('--overwrite', 'replace entries of the same name')
    .option('--use', 'make its context the current one')
    .action(async (given: string | undefined, flags: { overwrite?: boolean; use?: boolean }) => {
      const source = given === undefined ? defaultClusterKubeconfig(cli.io) : path.resolve(cli.io.cwd, given)
      const added = await readKubeconfigFile(source)
      if (!added)
        throw new UsageError(
          `${source} does not exist${given === undefined ? ': start the default cluster with npm run up, or name a file' : ''}`,
        )
      const target = homeKubeconfig(cli.io.home)
      await changeKubeconfig(target, (file) =>
        addToKubeconfig(file, added, { overwrite: flags.overwrite === true, use: flags.use === true }),
      )
      await cli.io.out(`Merged ${source} into ${target}.\n`)
    })
}

async function read(cli: Cli): Promise<{ file: Kubeconfig; files: string[] }> {
  return await readKubeconfigs({ env: cli.io.env, home: cli.io.home, kubeconfig: kubeconfigFlag(cli), context: cli.flags.context })
}

/** Changes the first file in use; ~/.kube/config is the user's own, and changed only when it was named. */
async function change(cli: Cli, edit: (file: Kubeconfig) => Kubeconfig): Promise<void> {
  const { files } = await read(cli)
  const [target] = files
  if (target === undefined) throw new UsageError('no kubeconfig is in use')
  const named = kubeconfigFlag(cli) !== undefined || (cli.io.env.KUBECONFIG ?? '') !== ''
  if (!named && target === homeKubeconfig(cli.io.home))
    throw new UsageError(`${target} is changed only by \`config merge\`; to change it all the same, name it: --kubeconfig ${target}`)
  await changeKubeconfig(target, edit)
}

function kubeconfigFlag(cli: Cli): string | undefined {
  return cli.flags.kubeconfig === undefined ? undefined : path.resolve(cli.io.cwd, cli.flags.kubeconfig)
}

function knownContext(file: Kubeconfig, name: string): void {
  const names = (file.contexts ?? []).map((entry) => entry.name)
  if (!names.includes(name))
    throw new UsageError(
      `no context exists with the name "${name}".${didYouMean(name, names) || ` There ${names.length === 0 ? 'are none' : `is ${names.join(', ')}`}.`}`,
    )
}

function minify(file: Kubeconfig, chosen: string | undefined): Kubeconfig {
  const name = chosen ?? file['current-context']
  const contexts = (file.contexts ?? []).filter((entry) => entry.name === name)
  const [used] = contexts
  return {
    ...file,
    ...(name === undefined ? {} : { 'current-context': name }),
    contexts,
    clusters: (file.clusters ?? []).filter((entry) => entry.name === used?.context.cluster),
    users: (file.users ?? []).filter((entry) => entry.name === used?.context.user),
  }
}

function withoutSecrets(file: Kubeconfig): Kubeconfig {
  return {
    ...file,
    clusters: (file.clusters ?? []).map(({ name, cluster }) => ({
      name,
      cluster: 'certificate-authority-data' in cluster ? { ...cluster, 'certificate-authority-data': 'DATA+OMITTED' } : cluster,
    })),
    users: (file.users ?? []).map(({ name, user }) => ({
      name,
      user: Object.fromEntries(
        Object.entries(user).map(([field, value]) => [
          field,
          secretFields.includes(field) ? (field.endsWith('-data') ? 'DATA+OMITTED' : 'REDACTED') : value,
        ]),
      ),
    })),
  }
}
