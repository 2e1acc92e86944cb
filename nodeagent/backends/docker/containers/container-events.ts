import type Docker from 'dockerode'
import { backoffDelayMs } from '../../../../lib/base/backoff.js'
import { sleep, systemClock } from '../../../../lib/base/clock.js'
import type { Engine } from '../engine/engine.js'
import { labels } from './container-options.js'

/**
 * Calls `onHint` when something of this agent's containers for a kind may have changed, with the ids of those that did, until the signal
 * aborts. Events are hints. Their stream may die without a word, so it is opened anew now and then, and nobody relies on it.
 */
export async function followContainerEvents(
  engine: Engine,
  agent: string,
  kind: 'Task' | 'Vps',
  onHint: (ids: readonly string[]) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    const renewal = AbortSignal.any([signal, AbortSignal.timeout(300_000)])
    try {
      const filters = { type: ['container'], label: [`${labels.agent}=${agent}`, `${labels.kind}=${kind}`] }
      const events = (await engine.docker.getEvents({ filters, abortSignal: renewal } as Docker.GetEventsOptions)) as NodeJS.ReadableStream
      failures = 0
      onHint([])
      for await (const chunk of events) onHint([...chunk.toString().matchAll(/"id":"([0-9a-f]{64})"/g)].map(([, id = '']) => id))
    } catch {
      // The engine is not there, or the stream ended; relisting goes on meanwhile.
    }
    if (!signal.aborted) await sleep(systemClock, backoffDelayMs(failures++, { initialMs: 500, maxMs: 30_000 }), signal).catch(() => {})
  }
}
