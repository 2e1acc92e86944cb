/** `describe`: an object in words, with its events, and for what is not as desired, why. */
import { isForbidden } from '../../lib/api/api-error.js'
import type { KubeObject } from '../../lib/api/define-kind.js'
import type { CronTask } from '../../lib/api/kinds/cron-task.js'
import type { Deployment } from '../../lib/api/kinds/deployment.js'
import type { Node } from '../../lib/api/kinds/node.js'
import type { NodeMetrics } from '../../lib/api/kinds/node-metrics.js'
import type { ReplicaSet } from '../../lib/api/kinds/replica-set.js'
import type { Task } from '../../lib/api/kinds/task.js'
import type { Tunnel } from '../../lib/api/kinds/tunnel.js'
import type { Vps } from '../../lib/api/kinds/vps.js'
import type { TunnelStats } from '../../lib/api/tunnel-stats.js'
import type { Cli, DefineCommand } from '../cli/cli.js'
import { forEach } from '../cli/for-each.js'
import { errorText } from '../cli/report-error.js'
import type { Cluster } from '../cluster/cluster.js'
import { getObject, listObjects } from '../cluster/objects.js'
import { parseSelection } from '../cluster/selection.js'
import { findTargets, type Target, type TargetFlags, withTargetFlags } from '../cluster/target-objects.js'
import { describeAny } from '../describe/describe-any.js'
import { describeCronTask } from '../describe/describe-cron-task.js'
import type { NodeLoad } from '../describe/describe-load.js'
import { describeNode } from '../describe/describe-node.js'
import { describeDeployment, describeReplicaSet } from '../describe/describe-replicated.js'
import { describeTask } from '../describe/describe-task.js'
import { describeTunnel, type TunnelUse } from '../describe/describe-tunnel.js'
import { describeVps } from '../describe/describe-vps.js'
import { printEvents, readEvents } from '../describe/events.js'
import { replicaSetsOf } from '../workloads/replica-sets.js'
import { printWhy, readWhy } from './why/read-why.js'

export const describe: DefineCommand = (command, cli) => {
  withTargetFlags(command.argument('[words...]', 'KIND, KIND NAME… or KIND/NAME…'))
    .option('--no-show-events', 'leave the events out')
    .action(async (words: string[], flags: TargetFlags & { showEvents: boolean }) => {
      const cluster = await cli.connect()
      const selects = flags.filename ?? flags.selector ?? flags.fieldSelector
      // `describe nodes` means all of them.
      const all = selects === undefined && (await parseSelection(cluster.discovery, words)).type === 'kinds'
      const targets = await findTargets(cluster, words, all ? { ...flags, all: true } : flags, cli.io)
      if (targets.length === 0) cli.io.err('No resources found\n')
      let first = true
      await forEach(targets, cli.io, async (target) => {
        const text = await describeTarget(cli, cluster, target, flags.showEvents)
        await cli.io.out(`${first ? '' : '\n\n'}${text}`)
        first = false
      })
    })
}

async function describeTarget(cli: Cli, cluster: Cluster, target: Target, showEvents: boolean): Promise<string> {
  const object = await getObject(cluster.client, target.resource, target)
  const events = showEvents ? printEvents(await readEvents(cluster, object), cli.io.now()) : ''
  return (await describeObject(cli, cluster, target, object)) + events
}

/** What the node's agent says now; in words why it does not, and nothing where the reader may not ask. */
async function readLoad(cluster: Cluster, name: string): Promise<NodeLoad> {
  try {
    const metrics = await cluster.discovery.findOne('nodes.metrics.k8s.io')
    return { metrics: (await getObject(cluster.client, metrics, { name })) as unknown as NodeMetrics }
  } catch (error) {
    return isForbidden(error) ? {} : { failure: errorText(error) }
  }
}

/** What the gateways say now, likewise. */
async function readTunnelUse(cluster: Cluster, target: Target): Promise<TunnelUse> {
  try {
    const stats = await getObject(cluster.client, target.resource, target, 'stats')
    return { stats: stats as unknown as TunnelStats }
  } catch (error) {
    return isForbidden(error) ? {} : { failure: errorText(error) }
  }
}

async function describeObject(cli: Cli, cluster: Cluster, target: Target, object: KubeObject): Promise<string> {
  const nowMs = cli.io.now()
  const { group, plural } = target.resource
  if (group === 'millrace.dev' && plural === 'tasks') {
    const why = await readWhy(cluster, target)
    return describeTask(object as unknown as Task, nowMs) + (why === undefined ? '' : printWhy(why))
  }
  if (group === 'millrace.dev' && plural === 'vpses')
    return describeVps(object as unknown as Vps, nowMs) + printWhy(await readWhy(cluster, target))
  if (group === 'apps' && plural === 'deployments') {
    const deployment = object as unknown as Deployment
    return describeDeployment(deployment, await replicaSetsOf(cluster, deployment), nowMs) + printWhy(await readWhy(cluster, target))
  }
  if (group === 'apps' && plural === 'replicasets')
    return describeReplicaSet(object as unknown as ReplicaSet, nowMs) + printWhy(await readWhy(cluster, target))
  if (group === '' && plural === 'nodes') {
    const { name } = object.metadata
    const [tasks, vpses, load] = await Promise.all([
      onNode(cluster, 'tasks', name),
      onNode(cluster, 'vpses', name),
      readLoad(cluster, name),
    ])
    return describeNode(object as unknown as Node, { tasks: tasks as unknown as Task[], vpses: vpses as unknown as Vps[] }, load, nowMs)
  }
  if (group === 'millrace.dev' && plural === 'crontasks') {
    const tasks = await cluster.discovery.findOne('tasks.millrace.dev')
    const { items } = await listObjects(cluster.client, tasks, { namespace: object.metadata.namespace })
    const own = items.filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === object.metadata.uid))
    return describeCronTask(object as unknown as CronTask, own as unknown as Task[], nowMs)
  }
  if (group === 'millrace.dev' && plural === 'tunnels')
    return describeTunnel(object as unknown as Tunnel, await readTunnelUse(cluster, target), nowMs)
  return await describeAny(object, nowMs)
}

async function onNode(cluster: Cluster, plural: string, node: string): Promise<KubeObject[]> {
  const resource = await cluster.discovery.findOne(`${plural}.millrace.dev`)
  return (await listObjects(cluster.client, resource, { fieldSelector: `spec.nodeName=${node}` })).items
}
