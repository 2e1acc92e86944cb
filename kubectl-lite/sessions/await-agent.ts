import { setTimeout as delay } from 'node:timers/promises'
import { ApiError } from '../../lib/api/api-error.js'
import { backoffDelayMs } from '../../lib/base/backoff.js'

const withinMs = 15_000

/** Asks again while the node's agent is not there: one that was started a moment ago, or whose server was, has yet to dial. */
export async function awaitAgent<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const untilMs = performance.now() + withinMs
  for (let tries = 0; ; tries++) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof ApiError && error.reason === 'ServiceUnavailable') || performance.now() > untilMs) throw error
      await delay(backoffDelayMs(tries, { initialMs: 200, maxMs: 2_000, jitter: 'none' }), undefined, { signal })
    }
  }
}
