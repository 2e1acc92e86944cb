import { builtinKinds } from '../lib/api/kinds/index.js'
import { IPClaim } from '../lib/api/kinds/ip-claim.js'
import { Namespace } from '../lib/api/kinds/namespace.js'
import { Node } from '../lib/api/kinds/node.js'
import type { Clock } from '../lib/base/clock.js'
import type { Logger } from '../lib/base/log.js'
import type { Client } from '../lib/client/client.js'
import { createEventRecorder } from '../lib/client/events/event-recorder.js'
import { createInformer, startInformers } from '../lib/client/informer/informer.js'
import { createReports } from './report.js'
import { Scheduler } from './scheduler.js'
import { readWorkload, type Workload, type WorkloadObject } from './workload.js'

export interface RunSchedulerOptions {
  readonly client: Client
  readonly clock: Clock
  readonly log: Logger
  /** Told apart in Events when several run. */
  readonly identity?: string
  /** Called once with what runs, for metrics and tests. */
  readonly onStarted?: (scheduler: Scheduler) => void
}

/** Follows the cluster and places every kind that is marked `workload`, until the signal aborts. Resolves when all it sent is answered. */
export async function runScheduler(options: RunSchedulerOptions, signal: AbortSignal): Promise<void> {
  const { client, clock, log } = options
  const workloads = builtinKinds.filter((kind) => kind.workload).map((kind) => ({ kind, informer: createInformer(client, kind) }))
  const nodes = createInformer(client, Node)
  const namespaces = createInformer(client, Namespace)
  const claims = createInformer(client, IPClaim)
  const objectOf = ({ kind, namespace, name }: Workload) =>
    workloads.find((entry) => entry.kind === kind)?.informer.lister.get(`${namespace}/${name}`) as unknown as WorkloadObject | undefined
  const events = createEventRecorder({
    client,
    clock,
    log,
    component: 'millrace-scheduler',
    ...(options.identity ? { instance: options.identity } : {}),
  })
  const reporter = createReports({ client, clock, log, events, objectOf })
  const scheduler = new Scheduler({ clock, log, reporter, bind: (kind, bindings) => client.bind(kind, bindings) })

  namespaces.subscribe({
    add: (namespace) => scheduler.setNamespace(namespace),
    update: (namespace) => scheduler.setNamespace(namespace),
    delete: ({ metadata }) => scheduler.removeNamespace(metadata.name),
  })
  claims.subscribe({
    add: (claim) => scheduler.setAddressClaim(claim),
    update: (claim) => scheduler.setAddressClaim(claim),
    delete: (claim) => scheduler.removeAddressClaim(claim),
  })
  nodes.subscribe({
    add: (node) => scheduler.setNode(node),
    update: (node) => scheduler.setNode(node),
    delete: ({ metadata }) => scheduler.removeNode(metadata.name),
  })
  for (const { kind, informer } of workloads) {
    const read = (object: unknown) => readWorkload(kind, object as WorkloadObject)
    informer.subscribe({
      add: (object) => scheduler.setWorkload(read(object)),
      update: (object) => scheduler.setWorkload(read(object)),
      delete: (object) => scheduler.removeWorkload(read(object).key),
    })
  }

  const all = [nodes, namespaces, claims, ...workloads.map(({ informer }) => informer)]
  const following = startInformers(client, all, signal, {
    onFailure: (failure, pauseMs) => log.warn({ err: failure, pauseMs: Math.round(pauseMs) }, 'the watch broke; it is opened again'),
  })
  try {
    await Promise.all(all.map((informer) => informer.synced()))
    log.info({ nodes: nodes.lister.size, waiting: scheduler.waiting.active }, 'scheduling')
    scheduler.start()
    options.onStarted?.(scheduler)
    await following
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    await scheduler.stop()
    await reporter.close()
  }
}
