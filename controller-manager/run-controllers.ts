/**
 * All controllers of the cluster, side by side in one process. Each is a folder: one file that decides (pure), one that runs. They share the client and the
 * informers, and nothing else; one that fails ends them all, and the process starts again.
 */
import { CustomResourceDefinition } from '../lib/api/kinds/custom-resource-definition.js'
import { Lease } from '../lib/api/kinds/lease.js'
import { Namespace } from '../lib/api/kinds/namespace.js'
import { Node } from '../lib/api/kinds/node.js'
import { ServiceAccount } from '../lib/api/kinds/service-account.js'
import { Task } from '../lib/api/kinds/task.js'
import type { Clock } from '../lib/base/clock.js'
import type { Logger } from '../lib/base/log.js'
import type { Client } from '../lib/client/client.js'
import { createEventRecorder } from '../lib/client/events/event-recorder.js'
import { createInformer, startInformers } from '../lib/client/informer/informer.js'
import type { ControllerContext } from './controller-context.js'
import { runCsrCleaner } from './csr-cleaner/csr-cleaner.js'
import { runDefinitionDeletion } from './definition-deletion/definition-deletion.js'
import { runEventTtl } from './event-ttl/event-ttl.js'
import { runGarbageCollector } from './garbage-collector/garbage-collector.js'
import { runNamespaceDeletion } from './namespace-deletion/namespace-deletion.js'
import { runNodeLifecycle } from './node-lifecycle/node-lifecycle.js'
import { WatchTime } from './node-lifecycle/watch-time.js'
import { runServiceAccount } from './service-account/service-account.js'
import { runTaintEviction } from './taint-eviction/taint-eviction.js'
import { runTaskAttempt } from './task-attempt/task-attempt.js'
import { runTaskDeadline } from './task-deadline/task-deadline.js'
import { runTaskTtl } from './task-ttl/task-ttl.js'
import { runTokenCleaner } from './token-cleaner/token-cleaner.js'

type ControllerRun = (context: ControllerContext, signal: AbortSignal) => Promise<void>

/** By name. */
export const controllers: Readonly<Record<string, ControllerRun>> = {
  'node-lifecycle': runNodeLifecycle,
  'taint-eviction': runTaintEviction,
  'task-attempt': runTaskAttempt,
  'task-ttl': runTaskTtl,
  'task-deadline': runTaskDeadline,
  'namespace-deletion': runNamespaceDeletion,
  'definition-deletion': runDefinitionDeletion,
  'garbage-collector': runGarbageCollector,
  'event-ttl': runEventTtl,
  'service-account': runServiceAccount,
  'token-cleaner': runTokenCleaner,
  'csr-cleaner': runCsrCleaner,
}

export interface RunControllersOptions {
  readonly client: Client
  readonly clock: Clock
  readonly log: Logger
  readonly identity: string
  /** Default: all. */
  readonly only?: readonly string[]
}

/** More than this between two beats of the node lifecycle is not believed; see watch-time.ts. */
const maxBeatGapMs = 15_000

/** Resolves when the signal has aborted and every pass under way has ended. Rejects when a controller fails. */
export async function runControllers(options: RunControllersOptions, signal: AbortSignal): Promise<void> {
  const { client, clock, log, identity, only = Object.keys(controllers) } = options
  const failed = new AbortController()
  const ending = AbortSignal.any([signal, failed.signal])
  const events = createEventRecorder({ client, clock, log, component: 'millrace-controller-manager', instance: identity })
  const watchTime = new WatchTime(maxBeatGapMs)
  const nodes = createInformer(client, Node)
  const leases = createInformer(client, Lease)
  const namespaces = createInformer(client, Namespace)
  const serviceAccounts = createInformer(client, ServiceAccount)
  const tasks = createInformer(client, Task, { indexes: { node: (task: Task) => [task.spec.nodeName] } })
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
    definitions,
    watchTime,
  }
  const onFailure = (failure: unknown, pauseMs: number) => {
    watchTime.interrupt()
    log.warn({ err: failure, pauseMs: Math.round(pauseMs) }, 'the watch broke; it is opened again')
  }
  const running = [
    startInformers(client, [nodes, leases, namespaces, serviceAccounts, tasks, definitions], ending, { onFailure }),
    ...Object.entries(controllers)
      .filter(([name]) => only.includes(name))
      .map(([, run]) => run(context, ending)),
  ]
  log.info({ controllers: only }, 'controlling')
  try {
    await Promise.all(running)
  } finally {
    failed.abort()
    await Promise.allSettled(running)
    await events.flush()
  }
}
