/** `top`: how loaded nodes are, and what Tasks and Vpses use; once, or again and again. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Option } from 'commander'
import type { KubeObject } from '../../lib/api/define-kind.js'
import type { Node } from '../../lib/api/kinds/node.js'
import type { NodeMetrics } from '../../lib/api/kinds/node-metrics.js'
import type { PodMetrics } from '../../lib/api/kinds/pod-metrics.js'
import type { Task } from '../../lib/api/kinds/task.js'
import type { Vps } from '../../lib/api/kinds/vps.js'
import type { Cli, DefineCommand } from '../cli/cli.js'
import { UsageError } from '../cli/exit-code.js'
import type { Io } from '../cli/io.js'
import { errorText } from '../cli/report-error.js'
import { parseDuration } from '../cli/timeout.js'
import type { ApiResource } from '../cluster/api-resource.js'
import type { Cluster } from '../cluster/cluster.js'
import { getObject, listObjects } from '../cluster/objects.js'
import { parseSelection } from '../cluster/selection.js'
import { alignColumns } from '../print/align-columns.js'
import { nodeColumns, nodeRows, wideNodeColumns } from '../top/node-rows.js'
import { type SortKey, sortKeys, sortRows, type TopRow } from '../top/top-row.js'
import { workloadColumns, workloadRows } from '../top/workload-rows.js'

interface Flags {
  readonly watch?: boolean
  readonly interval: number
  readonly selector?: string
  readonly allNamespaces?: boolean
  readonly sortBy: SortKey
  readonly headers: boolean
  readonly output?: 'wide'
}

export const top: DefineCommand = (command, cli) => {
  command
    .argument('<words...>', 'nodes, tasks or vps, and the NAMEs of some')
    .option('-w, --watch', 'show it again and again, until Ctrl-C')
    .addOption(new Option('--interval <duration>', 'with --watch: how often').argParser(parseDuration).default(2_000, '2s'))
    .option('-l, --selector <selector>', 'label selector: app=web,tier!=test')
    .option('-A, --all-namespaces', 'Tasks and Vpses of all namespaces')
    .addOption(new Option('--sort-by <key>', 'what uses most comes first').choices([...sortKeys]).default('name'))
    .option('--no-headers', 'no header line')
    .addOption(new Option('-o, --output <format>', 'wide: disk, load, temperature and GPUs of nodes too').choices(['wide']))
    .addHelpText('after', '\nExample: kubectl-lite top tasks -A --sort-by cpu --watch')
    .action(async (words: string[], flags: Flags) => {
      const cluster = await cli.connect()
      const question = await readQuestion(cluster, words, flags)
      await cli.io.out(await printTop(cluster, question, flags, cli.io))
      if (flags.watch) await showAgain(cli, () => printTop(cluster, question, flags, cli.io), flags.interval)
    })
}

/** Which objects are meant; without names, all that the selector selects. */
interface Question {
  readonly resource: ApiResource
  readonly names: readonly string[]
}

async function readQuestion(cluster: Cluster, words: readonly string[], flags: Flags): Promise<Question> {
  const selection = await parseSelection(cluster.discovery, words)
  const resources = selection.type === 'kinds' ? selection.resources : selection.items.map(({ resource }) => resource)
  const [resource] = resources
  if (!resource || resources.some((other) => other !== resource)) throw new UsageError('name one kind: nodes, tasks or vps')
  if (!['/nodes', 'millrace.dev/tasks', 'millrace.dev/vpses'].includes(`${resource.group}/${resource.plural}`))
    throw new UsageError(`top shows nodes, tasks and vps, not ${resource.plural}`)
  if (flags.output === 'wide' && resource.plural !== 'nodes') throw new UsageError('-o wide is for nodes')
  const names = selection.type === 'names' ? selection.items.map(({ name }) => name) : []
  if (names.length > 0 && (flags.selector !== undefined || flags.allNamespaces))
    throw new UsageError('name objects, or select them with -l and -A, not both')
  return { resource, names }
}

/** Redraws on a terminal; else each table follows the one before. A failure is said, and tried again. */
async function showAgain({ io }: Cli, print: () => Promise<string>, intervalMs: number): Promise<void> {
  for (;;) {
    try {
      await sleep(intervalMs, undefined, { signal: io.signal })
    } catch {
      return
    }
    try {
      const text = await print()
      await io.out(io.terminal ? `${clearScreen}${text}` : `\n${text}`)
    } catch (error) {
      if (io.signal.aborted) return
      io.err(`${errorText(error)}\n`)
    }
  }
}
/** To the first place of the screen, and nothing below it. */
const clearScreen = '\u001b[H\u001b[J'

async function printTop(cluster: Cluster, question: Question, flags: Flags, io: Pick<Io, 'err'>): Promise<string> {
  const { columns, rows } =
    question.resource.plural === 'nodes' ? await readNodes(cluster, question, flags) : await readWorkloads(cluster, question, flags)
  if (rows.length === 0) {
    io.err(question.names.length > 0 ? 'none of these runs\n' : 'No resources found\n')
    return ''
  }
  const lines = sortRows(rows, flags.sortBy).map(({ cells }) => cells)
  return alignColumns(flags.headers ? [columns, ...lines] : lines)
}

interface TopTable {
  readonly columns: readonly string[]
  readonly rows: readonly TopRow[]
}

async function readNodes(cluster: Cluster, question: Question, flags: Flags): Promise<TopTable> {
  const wide = flags.output === 'wide'
  const [nodes, metrics] = await readBoth(cluster, question, flags, 'nodes.metrics.k8s.io', undefined)
  return {
    columns: [...nodeColumns, ...(wide ? wideNodeColumns : [])],
    rows: nodeRows(nodes as unknown as Node[], metrics as unknown as NodeMetrics[], wide),
  }
}

async function readWorkloads(cluster: Cluster, question: Question, flags: Flags): Promise<TopTable> {
  const withNamespace = flags.allNamespaces === true
  const namespace = withNamespace ? undefined : cluster.namespace
  const [workloads, metrics] = await readBoth(cluster, question, flags, 'pods.metrics.k8s.io', namespace)
  const podPrefix = question.resource.plural === 'vpses' ? 'vps.' : ''
  return {
    columns: [...(withNamespace ? ['NAMESPACE'] : []), ...workloadColumns],
    rows: workloadRows(workloads as unknown as (Task | Vps)[], metrics as unknown as PodMetrics[], { podPrefix, withNamespace }),
  }
}

/** The objects, and what was measured: of these, of theirs, and perhaps of others. */
async function readBoth(
  { client, discovery }: Cluster,
  { resource, names }: Question,
  { selector }: Flags,
  measured: string,
  namespace: string | undefined,
): Promise<[KubeObject[], KubeObject[]]> {
  const metrics = await discovery.findOne(measured)
  const query = { namespace, labelSelector: selector }
  const objects =
    names.length > 0
      ? Promise.all(names.map((name) => getObject(client, resource, { namespace, name })))
      : listObjects(client, resource, query).then(({ items }) => items)
  return Promise.all([objects, listObjects(client, metrics, query).then(({ items }) => items)])
}
