/**
 * All controllers of the cluster, side by side in one process. Each is a folder: one file that decides (pure), one that runs. They share
 * the client and the informers, and nothing else; one that fails ends them all, and the process starts again.
 */
import { CustomResourceDefinition } from '../lib/api/kinds/custom-resource-definition.js'
import { Deployment } from '../lib/api/kinds/deployment.js'
import { Lease } from '../lib/api/kinds/lease.js'
import { Namespace } from '../lib/api/kinds/namespace.js'
import { Node } from '../lib/api/kinds/node.js'
import { PodDisruptionBudget } from '../lib/api/kinds/pod-disruption-budget.js'
import { ReplicaSet } from '../lib/api/kinds/replica-set.js'
import { ServiceAccount } from '../lib/api/kinds/service-account.js'
import { Task } from '../lib/api/kinds/task.js'
import { Vps } from '../lib/api/kinds/vps.js'
import { VpsSnapshot } from '../lib/api/kinds/vps-snapshot.js'
import type { Clock } from '../lib/base/clock.js'
import type { Logger } from '../lib/base/log.js'
import type { Client } from '../lib/client/client.js'
import { createEventRecorder } from '../lib/client/events/event-recorder.js'
import { createInformer, startInformers } from '../lib/client/informer/informer.js'
import type { Controller } from '../lib/controller/controller.js'
import type { ControllerMetrics } from '../lib/controller/controller-metrics.js'
import { startControllers } from '../lib/controller/start-controllers.js'
import type { ControllerContext } from './controller-context.js'
import { cronTask } from './cron-task/cron-task.js'
import { runCsrCleaner } from './csr-cleaner/csr-cleaner.js'
import { definitionDeletion } from './definition-deletion/definition-deletion.js'
import { deployment } from './deployment/deployment.js'
import { disruption } from './disruption/disruption.js'
import { runEventTtl } from './event-ttl/event-ttl.js'
import { runGarbageCollector } from './garbage-collector/garbage-collector.js'
import { machineNode } from './machine-node/machine-node.js'
import { snapshotNode } from './machine-node/snapshot-node.js'
import { namespaceDeletion } from './namespace-deletion/namespace-deletion.js'
import { keepBeating } from './node-lifecycle/beat.js'
import { nodeLifecycle } from './node-lifecycle/node-lifecycle.js'
import { WatchTime } from './node-lifecycle/watch-time.js'
import { nodeRange } from './node-range/node-range.js'
import type { RangePool } from './node-range/range-pools.js'
import { defaultPools } from './node-range/range-settings.js'
import { replicaSet } from './replica-set/replica-set.js'
import { serviceAccount } from './service-account/service-account.js'
import { snapshotPolicy } from './snapshot-policy/snapshot-policy.js'
import { taintEviction } from './taint-eviction/taint-eviction.js'
import { taskAttempt } from './task-attempt/task-attempt.js'
import { taskDeadline } from './task-deadline/task-deadline.js'
import { taskTtl } from './task-ttl/task-ttl.js'
import { runTokenCleaner } from './token-cleaner/token-cleaner.js'
import { tunnelGateways } from './tunnel-gateways/tunnel-gateways.js'
import { vpsKey } from './vps-key/vps-key.js'

/** By name: those that reconcile objects of one kind. */
const declared: Readonly<Record<string, (context: ControllerContext) => Controller>> = {
  'node-lifecycle': nodeLifecycle,
  'taint-eviction': taintEviction,
  'task-attempt': taskAttempt,
  'machine-node': machineNode,
  'snapshot-node': snapshotNode,
  'task-ttl': () => taskTtl,
  'task-deadline': () => taskDeadline,
  'cron-task': () => cronTask,
  disruption,
  'node-range': ({ rangePools }) => nodeRange(rangePools),
  'namespace-deletion': () => namespaceDeletion,
  'definition-deletion': () => definitionDeletion,
  'service-account': () => serviceAccount,
  'replica-set': () => replicaSet,
  deployment: () => deployment,
  'vps-key': () => vpsKey,
  'snapshot-policy': () => snapshotPolicy,
  'tunnel-gateways': tunnelGateways,
}

/** By name: those that look after objects of all kinds, or look from time to time. */
const loops: Readonly<Record<string, (context: ControllerContext, signal: AbortSignal) => Promise<void>>> = {
  // What counts as silence is time that was watched; see watch-time.ts.
  'node-lifecycle': keepBeating,
  'garbage-collector': runGarbageCollector,
  'event-ttl': runEventTtl,
  'token-cleaner': runTokenCleaner,
  'csr-cleaner': runCsrCleaner,
}

export interface RunControllersOptions {
  readonly client: Client
  readonly clock: Clock
  readonly log: Logger
  readonly identity: string
  readonly metrics?: ControllerMetrics
  /** Out of which Nodes get their ranges of addresses. Default: as without flags. */
  readonly rangePools?: readonly RangePool[]
  /** Default: all. */
  readonly only?: readonly string[]
}

/** More than this between two beats of the node lifecycle is not believed; see watch-time.ts. */
const maxBeatGapMs = 15_000

/** Resolves when the signal has aborted and every pass under way has ended. Rejects when a controller fails. */
export async function runControllers(options: RunControllersOptions, signal: AbortSignal): Promise<void> {
  const { client, clock, log, identity, only = [...Object.keys(declared), ...Object.keys(loops)], metrics } = options
  const failed = new AbortController()
  const ending = AbortSignal.any([signal, failed.signal])
  const events = createEventRecorder({ client, clock, log, component: 'millrace-controller-manager', instance: identity })
  const watchTime = new WatchTime(maxBeatGapMs)
  const nodes = createInformer(client, Node)
  const leases = createInformer(client, Lease)
  const namespaces = createInformer(client, Namespace)
  const serviceAccounts = createInformer(client, ServiceAccount)
  const tasks = createInformer(client, Task, { indexes: { node: (task: Task) => [task.spec.nodeName] } })
  const vpses = createInformer(client, Vps, { indexes: { node: (vps: Vps) => [vps.spec.nodeName] } })
  const snapshots = createInformer(client, VpsSnapshot, { indexes: { node: (snapshot: VpsSnapshot) => [snapshot.spec.nodeName] } })
  const definitions = createInformer(client, CustomResourceDefinition)
  const context: ControllerContext = {
    client,
    clock,
    log,
    events,
    identity,
    nodes,
    leases,
    namespaces,
    serviceAccounts,
    tasks,
    vpses,
    snapshots,
    definitions,
    watchTime,
    rangePools: options.rangePools ?? defaultPools,
  }
  const onFailure = (failure: unknown, pauseMs: number) => {
    watchTime.interrupt()
    log.warn({ err: failure, pauseMs: Math.round(pauseMs) }, 'the watch broke; it is opened again')
  }
  // What a ReplicaSet's status or a budget says of Tasks is seen after them: they come on one stream.
  const replicated = [createInformer(client, ReplicaSet), createInformer(client, Deployment), createInformer(client, PodDisruptionBudget)]
  const informers = [nodes, leases, namespaces, serviceAccounts, tasks, vpses, snapshots, definitions, ...replicated]
  const chosen = <Value>(table: Readonly<Record<string, Value>>) =>
    Object.entries(table).flatMap(([name, value]) => (only.includes(name) ? [value] : []))
  const reconciling = startControllers(
    chosen(declared).map((declare) => declare(context)),
    { client, clock, log, events, metrics, informers },
    ending,
  )
  const running = [
    startInformers(client, informers, ending, { onFailure }),
    reconciling.finished,
    ...chosen(loops).map((run) => run(context, ending)),
  ]
  log.info({ controllers: only }, 'controlling')
  try {
    await Promise.all(running)
  } finally {
    failed.abort()
    await Promise.allSettled(running)
    await events.close()
  }
}
