/** `cordon` and `uncordon`: whether a node takes new work. */
import type { KubeObject } from '../../lib/api/define-kind.js'
import type { Taint } from '../../lib/api/kinds/node.js'
import { drainTaint } from '../../lib/api/taint-toleration.js'
import type { Cli, DefineCommand } from '../cli/cli.js'
import { type DryRun, dryRunOption, printDone } from '../cli/dry-run.js'
import { UsageError } from '../cli/exit-code.js'
import { forEach } from '../cli/for-each.js'
import { printObject } from '../cluster/api-resource.js'
import type { Cluster } from '../cluster/cluster.js'
import { getObject, listObjects, patchObject } from '../cluster/objects.js'

interface Flags {
  readonly selector?: string
  readonly dryRun: DryRun
}

export const cordon = nodeCommand('cordoned', true)
export const uncordon = nodeCommand('uncordoned', false)

function nodeCommand(verb: 'cordoned' | 'uncordoned', unschedulable: boolean): DefineCommand {
  return (command, cli) => {
    command
      .argument('[nodes...]', 'the nodes')
      .option('-l, --selector <selector>', 'nodes by label')
      .addOption(dryRunOption())
      .action(async (names: string[], flags: Flags) => {
        const cluster = await cli.connect()
        const nodes = await findNodes(cluster, names, flags.selector)
        await forEach(nodes, cli.io, async (node) => await setUnschedulable(cli, cluster, node, unschedulable, verb, flags.dryRun))
      })
  }
}

/** The nodes that names or a selector mean. */
export async function findNodes(cluster: Cluster, names: readonly string[], selector: string | undefined): Promise<KubeObject[]> {
  const resource = await cluster.discovery.findOne('nodes')
  if ((names.length === 0) === (selector === undefined)) throw new UsageError('name nodes, or select them with -l')
  if (selector !== undefined) return (await listObjects(cluster.client, resource, { labelSelector: selector })).items
  return await Promise.all(names.map(async (name) => await getObject(cluster.client, resource, { name: name.replace(/^nodes?\//, '') })))
}

/** Marks a node; taking the mark off takes the taint of `drain` off too. Retried by the caller's user when the node changed meanwhile. */
export async function setUnschedulable(
  cli: Cli,
  cluster: Cluster,
  node: KubeObject,
  unschedulable: boolean,
  verb: string,
  dryRun: DryRun,
): Promise<void> {
  const resource = await cluster.discovery.findOne('nodes')
  const spec = node.spec as { unschedulable?: boolean; taints?: Taint[] } | undefined
  const taints = spec?.taints ?? []
  const kept = unschedulable ? taints : taints.filter((taint) => taint.key !== drainTaint.key)
  const subject = printObject(resource, node.metadata.name)
  if ((spec?.unschedulable === true) === unschedulable && kept.length === taints.length)
    return await cli.io.out(`${subject} already ${verb}\n`)
  const patch = {
    // With the version that the taints were read at, another writer's taint is never lost.
    ...(kept.length === taints.length ? {} : { metadata: { resourceVersion: node.metadata.resourceVersion } }),
    spec: { unschedulable: unschedulable || null, ...(kept.length === taints.length ? {} : { taints: kept.length > 0 ? kept : null }) },
  }
  if (dryRun !== 'client')
    await patchObject(cluster.client, resource, { name: node.metadata.name }, 'merge', patch, {
      fieldManager: 'kubectl-cordon',
      dryRun: dryRun === 'server',
    })
  await cli.io.out(printDone(subject, verb, dryRun))
}
