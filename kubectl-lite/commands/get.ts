/** `get`: the server's tables, or the objects as JSON, YAML, names, a template or columns; with -w what changes too. */
import { Option } from 'commander'
import { isNotFound } from '../../lib/api/api-error.js'
import { resourcePath } from '../../lib/client/resource-path.js'
import type { DefineCommand } from '../cli/cli.js'
import { ExitError, exitOf, UsageError } from '../cli/exit-code.js'
import { errorText } from '../cli/report-error.js'
import type { ApiResource } from '../cluster/api-resource.js'
import { parseSelection } from '../cluster/selection.js'
import { parseOutputFormat } from '../print/output-format.js'
import { getAsTables } from './get/as-tables.js'
import type { GetFlags, Query } from './get/query.js'

export const get: DefineCommand = (command, cli) => {
  command
    .argument('[words...]', 'KIND, KIND[,KIND…] or KIND NAME… or KIND/NAME…')
    .option('-o, --output <format>', 'wide, json, yaml, name, jsonpath=TEMPLATE or custom-columns=NAME:PATH,…')
    .option('-w, --watch', 'go on and show what changes')
    .addOption(new Option('--watch-only', 'show only what changes'))
    .option('--output-watch-events', 'with --watch: show what happened to each object')
    .option('-A, --all-namespaces', 'objects of all namespaces')
    .option('-l, --selector <selector>', 'label selector: app=web,tier!=test')
    .option('--field-selector <selector>', 'field selector: status.phase=Running')
    .option('-f, --filename <file...>', 'the objects that manifests name')
    .option('-R, --recursive', 'with -f: folders below too')
    .option('--sort-by <path>', 'order by the value at a path: .metadata.creationTimestamp')
    .option('--no-headers', 'no header line')
    .option('--show-labels', 'a column with all labels')
    .option('-L, --label-columns <keys>', 'a column for each of these labels')
    .option('--show-managed-fields', 'with -o json and yaml: metadata.managedFields too')
    .option('--raw <path>', 'print the answer to a path of the API as it is: /readyz?verbose')
    .option('--ignore-not-found', 'an absent object is no failure')
    .action(async (words: string[], flags: GetFlags) => {
      const format = await parseOutputFormat(flags.output)
      const cluster = await cli.connect()
      if (flags.raw !== undefined) {
        const response = await cluster.client.raw({ method: 'GET', path: flags.raw, headers: { accept: '*/*' }, signal: cli.io.signal })
        for await (const chunk of response.body) await cli.io.outBytes(chunk)
        return
      }
      const queries = flags.filename ? await queriesOfManifests(flags.filename) : await queriesOfWords(words)
      if ((flags.watch || flags.watchOnly) && queries.length !== 1)
        throw new UsageError('a watch shows one kind, or one object: name just one')
      const report = (error: unknown): void => cli.io.err(`${errorText(error)}\n`)
      const context = { cluster, io: cli.io, flags, report }
      const [query] = queries
      if (query && (flags.watch || flags.watchOnly))
        return await (await import('./get/watch-changes.js')).watchChanges(context, query, format)
      const { failures } =
        format.type === 'table'
          ? await getAsTables(context, queries, format.wide)
          : await (await import('./get/as-objects.js')).getAsObjects(context, queries, format)
      const failure = flags.ignoreNotFound ? failures.find((error) => !isNotFound(error)) : failures[0]
      if (failure) throw new ExitError(exitOf(failure))

      async function queriesOfWords(all: readonly string[]): Promise<Query[]> {
        const selection = await parseSelection(cluster.discovery, all)
        if (selection.type === 'kinds') return selection.resources.map((resource) => listQuery(resource))
        if (flags.allNamespaces) throw new UsageError('a resource cannot be retrieved by name across all namespaces')
        if (flags.selector !== undefined || flags.fieldSelector !== undefined)
          throw new UsageError('name objects, or select them with -l and --field-selector, not both')
        return selection.items.map(({ resource, name }) => ({
          resource,
          namespace: cluster.namespace,
          name,
          path: resourcePath(resource, { namespace: cluster.namespace, name }),
        }))
      }

      function listQuery(resource: ApiResource): Query {
        const namespace = flags.allNamespaces || resource.scope === 'Cluster' ? undefined : cluster.namespace
        return { resource, namespace, path: resourcePath(resource, { namespace }) }
      }

      async function queriesOfManifests(files: readonly string[]): Promise<Query[]> {
        const { readManifests } = await import('../manifests/read-manifests.js')
        const found: Query[] = []
        for (const manifest of await readManifests(files, flags.recursive === true, cli.io)) {
          const resource = await cluster.discovery.ofKind(manifest.apiVersion, manifest.kind)
          const at = { namespace: manifest.metadata.namespace ?? cluster.namespace, name: manifest.metadata.name ?? '' }
          found.push({ resource, ...at, path: resourcePath(resource, at) })
        }
        return found
      }
    })
}
