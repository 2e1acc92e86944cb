import type { Logger } from '../../lib/base/log.js'
import { createEventRecorder } from '../../lib/client/events/event-recorder.js'
import { startInformers } from '../../lib/client/informer/informer.js'
import { startControllers } from '../../lib/controller/start-controllers.js'
import { createTunnels, type Tunnels, type TunnelsOptions } from './tunnels.js'

export interface StartTunnelsOptions extends Omit<TunnelsOptions, 'events'> {
  readonly log: Logger
}

/** The tunnels of a gateway at work. */
export interface Tunnelling extends Pick<Tunnels, 'countsOf'> {
  /** Resolves when the signal has aborted and everything has ended. */
  readonly finished: Promise<void>
}

/** Listens for every Tunnel, now and until the signal aborts; then ends what they carry. */
export function startTunnels(options: StartTunnelsOptions, signal: AbortSignal): Tunnelling {
  const { client, clock, log, name: identity } = options
  const events = createEventRecorder({ client, clock, log, component: 'millrace-gateway', instance: identity })
  const tunnels = createTunnels({ ...options, events })
  const { informers } = tunnels
  const following = startInformers(client, informers, signal, {
    onFailure: (failure, pauseMs) => log.warn({ err: failure, pauseMs: Math.round(pauseMs) }, 'the watch broke; it is opened again'),
  })
  const { finished } = startControllers([tunnels.controller], { client, clock, log, identity, informers, lingerMs: 1_000 }, signal)
  const finish = async () => {
    try {
      await Promise.all([following, finished])
    } finally {
      tunnels.close()
      await events.close()
    }
  }
  return { countsOf: tunnels.countsOf, finished: finish() }
}
