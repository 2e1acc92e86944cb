import { backoffDelayMs } from '../../../../lib/base/backoff.js'
import { sleep, systemClock } from '../../../../lib/base/clock.js'
import type { GuestAnswer } from '../../machine-backend.js'

const between = { initialMs: 500, maxMs: 10_000 }

/**
 * Asks a guest whether it lets people in, until its sshd has taken the agent's key, and no more after that, so that nothing is kept open
 * for a machine that nobody uses. `ask` rejects, in words, while it does not answer.
 */
export async function untilAnswers(
  ask: (signal: AbortSignal) => Promise<void>,
  tell: (answer: GuestAnswer) => void,
  signal: AbortSignal,
): Promise<void> {
  let told: string | undefined
  for (let failures = 0; ; failures++) {
    const answer = await ask(signal).then(
      (): GuestAnswer => ({ isReady: true, message: 'its SSH server answers' }),
      (error: Error): GuestAnswer => ({ isReady: false, message: error.message }),
    )
    signal.throwIfAborted()
    if (answer.message !== told) tell(answer)
    told = answer.message
    if (answer.isReady) return
    await sleep(systemClock, backoffDelayMs(failures, between), signal)
  }
}
