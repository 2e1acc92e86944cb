/**
 * `drain`: cordons a node and has its Tasks evicted. A taint asks for the eviction, and the controller-manager does it as disruption
 * budgets allow: Tasks with `onNodeLost: Reschedule` go on elsewhere, the others end; Vpses are stopped and stay. So a drain goes on when
 * this command is interrupted; `uncordon` ends it.
 */
import { whyDisruptionRefused } from '../../lib/api/api-error.js'
import type { KubeObject } from '../../lib/api/define-kind.js'
import type { Taint } from '../../lib/api/kinds/node.js'
import type { TaskSpec, TaskStatus } from '../../lib/api/kinds/task.js'
import { drainTaint, forcedDrainTaint, tolerates } from '../../lib/api/taint-toleration.js'
import { sleep, systemClock } from '../../lib/base/clock.js'
import type { Cli, DefineCommand } from '../cli/cli.js'
import { type DryRun, dryRunOption, printDone } from '../cli/dry-run.js'
import { ExitError } from '../cli/exit-code.js'
import { deadline, parseDuration, TimedOut } from '../cli/timeout.js'
import { printObject } from '../cluster/api-resource.js'
import type { Cluster } from '../cluster/cluster.js'
import { followObject } from '../cluster/follow-object.js'
import { askEviction, deleteObject, getObject, listObjects, patchObject } from '../cluster/objects.js'
import type { Target } from '../cluster/target-objects.js'
import { findNodes, setUnschedulable } from './cordon.js'
import { awaitStop, findMachines, stopMachine } from './drain/machines.js'

interface Flags {
  readonly selector?: string
  readonly force?: boolean
  readonly disableEviction?: boolean
  readonly ignoreBudgets?: boolean
  readonly gracePeriod?: string
  readonly timeout?: number
  readonly dryRun: DryRun
}

export const drain: DefineCommand = (command, cli) => {
  command
    .argument('[nodes...]', 'the nodes')
    .option('-l, --selector <selector>', 'nodes by label')
    .option('--force', 'go on when Tasks would end for good: those with onNodeLost: Keep')
    .option('--disable-eviction', 'delete the Tasks instead of evicting them, whatever disruption budgets say')
    .option('--ignore-budgets', 'evict all at once, whatever disruption budgets say')
    .option('--grace-period <seconds>', 'with --disable-eviction: seconds to end gracefully')
    .option('--timeout <duration>', 'how long to wait at most (default: for ever)', parseDuration)
    .option('--ignore-daemonsets', 'accepted for habit: there are none')
    .option('--delete-emptydir-data', 'accepted for habit: an emptyDir always goes with its attempt')
    .addOption(dryRunOption())
    .action(async (names: string[], flags: Flags) => {
      const cluster = await cli.connect()
      for (const node of await findNodes(cluster, names, flags.selector)) await drainNode(cli, cluster, node, flags)
    })
}

async function drainNode(cli: Cli, cluster: Cluster, node: KubeObject, flags: Flags): Promise<void> {
  const { name } = node.metadata
  const nodes = await cluster.discovery.findOne('nodes')
  const tasks = await cluster.discovery.findOne('tasks.millrace.dev')
  await setUnschedulable(cli, cluster, node, true, 'cordoned', flags.dryRun)
  const { items } = await listObjects(cluster.client, tasks, { fieldSelector: `spec.nodeName=${name}` })
  const running = items.filter((task) => !isFinished(task))
  const staying = flags.disableEviction ? [] : running.filter(toleratesDrain)
  const leaving = running.filter((task) => !staying.includes(task))
  if (staying.length > 0) cli.io.err(`Warning: ignoring Tasks that tolerate the drain: ${names(staying)}\n`)
  const ending = leaving.filter((task) => (task.spec as TaskSpec).onNodeLost !== 'Reschedule')
  if (ending.length > 0 && !flags.force)
    throw new ExitError(
      'failed',
      `cannot drain node "${name}", which stays cordoned: these Tasks would end for good, since they do not have onNodeLost: Reschedule (go on with --force): ${names(ending)}`,
    )
  const machines = await findMachines(cluster, name, flags.disableEviction === true)
  for (const task of leaving) cli.io.err(`evicting task ${names([task])}\n`)
  for (const vps of machines) cli.io.err(`stopping vps ${names([vps])}, which keeps its disk here\n`)
  if (flags.dryRun !== 'none') return await cli.io.out(printDone(printObject(nodes, name), 'drained', flags.dryRun))
  const signal = deadline(cli.io.signal, flags.timeout)
  try {
    if (flags.disableEviction) {
      const gracePeriodSeconds = flags.gracePeriod === undefined ? undefined : Number(flags.gracePeriod)
      for (const { metadata } of leaving) await deleteObject(cluster.client, tasks, metadata, { cascade: 'background', gracePeriodSeconds })
      for (const vps of machines) await stopMachine(cluster, vps)
    } else if (leaving.length > 0 || machines.length > 0) await addTaint(cluster, name, flags.ignoreBudgets ? forcedDrainTaint : drainTaint)
    const targets = new Map(
      leaving.map((task) => [task, { resource: tasks, namespace: task.metadata.namespace, name: task.metadata.name }]),
    )
    const asked = new Map(flags.disableEviction || flags.ignoreBudgets ? [] : targets)
    const over = new AbortController()
    const telling = tellWhatForbids(cli, cluster, asked, AbortSignal.any([signal, over.signal]))
    try {
      for (const [task, target] of targets) {
        await followObject(cluster, target, (now) => hasLeft(task, now, name), signal)
        asked.delete(task)
        await cli.io.out(`${printObject(tasks, target.name)} evicted\n`)
      }
    } finally {
      over.abort()
    }
    await telling
    for (const vps of machines) {
      await awaitStop(cluster, vps, signal)
      await cli.io.out(`vps.millrace.dev/${vps.metadata.name} stopped\n`)
    }
  } catch (error) {
    if (signal.reason instanceof TimedOut)
      throw new ExitError('timedOut', `timed out draining node "${name}": some of its Tasks and Vpses have not ended`)
    throw error
  }
  await cli.io.out(printDone(printObject(nodes, name), 'drained', flags.dryRun))
}

/**
 * Says which budget each Task waits for, once for each thing that there is to say, until none is left
 * or the signal aborts. The controllers evict; this only asks.
 */
async function tellWhatForbids(cli: Cli, cluster: Cluster, asked: ReadonlyMap<KubeObject, Target>, signal: AbortSignal): Promise<void> {
  const said = new Map<KubeObject, string | undefined>()
  while (!signal.aborted && asked.size > 0) {
    for (const [task, target] of asked) {
      const why = await askEviction(cluster.client, target.resource, target).then(() => undefined, whyDisruptionRefused)
      if (signal.aborted) return
      if (asked.has(task) && why !== undefined && why !== said.get(task)) cli.io.err(`task ${names([task])} waits: ${why}\n`)
      said.set(task, why)
    }
    await sleep(systemClock, askAgainMs, signal).catch(() => {})
  }
}
const askAgainMs = 5_000

/** In the place of the other form of it, where that is there. */
async function addTaint(cluster: Cluster, name: string, taint: Taint): Promise<void> {
  const nodes = await cluster.discovery.findOne('nodes')
  const node = await getObject(cluster.client, nodes, { name })
  const taints = (node.spec as { taints?: Taint[] } | undefined)?.taints ?? []
  if (taints.some(({ key, value }) => key === taint.key && value === taint.value)) return
  const others = taints.filter(({ key }) => key !== taint.key)
  const patch = { metadata: { resourceVersion: node.metadata.resourceVersion }, spec: { taints: [...others, taint] } }
  await patchObject(cluster.client, nodes, { name }, 'merge', patch, { fieldManager: 'kubectl-drain' })
}

/** Gone, another object of the same name, ended, or bound elsewhere. */
function hasLeft(before: KubeObject, now: KubeObject | undefined, node: string): boolean {
  if (now === undefined || now.metadata.uid !== before.metadata.uid || isFinished(now)) return true
  return (now.spec as TaskSpec).nodeName !== node
}

/** For good; whoever tolerates it for a while leaves after that. */
function toleratesDrain(task: KubeObject): boolean {
  const { tolerations = [] } = task.spec as TaskSpec
  return tolerations.some((toleration) => toleration.tolerationSeconds === undefined && tolerates(toleration, drainTaint))
}

function isFinished(task: KubeObject): boolean {
  const phase = (task.status as TaskStatus | undefined)?.phase
  return phase === 'Succeeded' || phase === 'Failed'
}

function names(tasks: readonly KubeObject[]): string {
  return tasks.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).join(', ')
}
