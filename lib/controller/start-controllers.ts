/**
 * Controllers that work, side by side in one process; what `run`, the controller-manager and tests are built on:
 *
 *     const running = startControllers([warmPool], { client, clock, log }, signal)
 *     await running.finished
 */
import { setMaxListeners } from 'node:events'
import { isApiErrorWithReason, isForbidden, isNotFound } from '../api/api-error.js'
import type { BackoffOptions } from '../base/backoff.js'
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import type { Client } from '../client/client.js'
import { createEventRecorder, type EventRecorder } from '../client/events/event-recorder.js'
import type { AnyInformer } from './cache.js'
import type { Controller } from './controller.js'
import { type ControllerLoop, startLoop } from './controller-loop.js'
import { type ControllerMetrics, noMetrics } from './controller-metrics.js'
import { guardedClient } from './guarded-client.js'
import { type GivenInformer, SharedInformers } from './shared-informers.js'

export interface ControllersHost {
  readonly client: Client
  readonly clock: Clock
  readonly log: Logger
  /** Told apart in Events when several processes run the same controllers. */
  readonly identity?: string | undefined
  /** Who tells people. Default: each controller under its own name. */
  readonly events?: EventRecorder | undefined
  readonly metrics?: ControllerMetrics | undefined
  /** Informers that are there already, started by their owner; for other kinds and selections some are made. */
  readonly informers?: readonly GivenInformer[] | undefined
  /** The pauses before a watch that broke is opened again. Default: full jitter, 0.8 to 30 s. */
  readonly reconnect?: BackoffOptions | undefined
  /** So long passes under way may take once the controllers are to end, real time; then they are left behind. Default 10 000. */
  readonly lingerMs?: number | undefined
  /** What the caches show cannot be changed: for tests, since it takes time. Default false. */
  readonly frozenCache?: boolean | undefined
  /** Follow this namespace alone, whatever the controllers declare. */
  readonly namespace?: string | undefined
}

export interface RunningControllers {
  /** Resolves when the signal has aborted and the passes under way have ended. */
  readonly finished: Promise<void>
  /** What the controllers look at; given ones included. */
  readonly informers: readonly AnyInformer[]
  /** Whether no pass is under way or waits to begin. What waits for a time, or for a retry, does not count. */
  isIdle(): boolean
  /** Passes begun so far. */
  readonly passes: number
}

/** Starts at once: the informers, and when they are synced the passes. */
export function startControllers(controllers: readonly Controller[], host: ControllersHost, signal: AbortSignal): RunningControllers {
  const { clock, log, metrics = noMetrics, identity, lingerMs = 10_000, frozenCache = false } = host
  const twice = controllers.find(({ name }, index) => controllers.some((other, at) => at < index && other.name === name))
  if (twice) throw new Error(`two controllers are called ${twice.name}: give one of them another name`)
  const failed = new AbortController()
  const ending = AbortSignal.any([signal, failed.signal])
  // One signal ends many waits; Node would warn of a leak.
  setMaxListeners(0, ending)
  const client = guardedClient(host.client, ending)
  const informers = new SharedInformers(host.client, host.informers)
  const recorders: EventRecorder[] = []
  const recorderOf = ({ name }: Controller): EventRecorder => {
    if (host.events) return host.events
    const recorder = createEventRecorder({ client: host.client, clock, log, component: name, instance: identity })
    recorders.push(recorder)
    return recorder
  }
  const loops: ControllerLoop[] = controllers.map((controller) =>
    startLoop(
      { ...controller, ...(host.namespace && { namespace: host.namespace }) },
      { client, informers, clock, log, metrics, events: recorderOf(controller), lingerMs, frozenCache },
      ending,
    ),
  )
  const onFailure = (error: unknown, pauseMs: number) => {
    log.warn({ err: error, pauseMs: Math.round(pauseMs) }, `the watch broke; it is opened again${hintAt(error)}`)
  }
  const finish = async () => {
    const watching = informers.start(ending, { onFailure, ...(host.reconnect && { backoff: host.reconnect }) })
    const running = [watching, ...loops.map(({ finished }) => finished)]
    try {
      await Promise.all(running)
    } finally {
      // One that fails ends them all.
      failed.abort()
      await Promise.allSettled(running)
      await Promise.all(recorders.map((recorder) => recorder.close()))
    }
  }
  return {
    finished: finish(),
    informers: informers.all,
    isIdle: () => loops.every((loop) => loop.isIdle()),
    get passes() {
      return loops.reduce((sum, loop) => sum + loop.passes, 0)
    },
  }
}

/** What is amiss, as a rule, when a watch is refused. */
function hintAt(error: unknown): string {
  if (isNotFound(error) || isApiErrorWithReason('BadRequest')(error))
    return '; is the CustomResourceDefinition of each kind there? `kubectl-lite create customresourcedefinition --for FILE` brings them'
  if (isForbidden(error)) return '; `kubectl-lite create serviceaccount NAME --for FILE` gives what the controllers need'
  return ''
}
