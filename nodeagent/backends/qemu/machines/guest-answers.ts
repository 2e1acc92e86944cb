/**
 * Whether guests let people in: asked from when one is first seen to run until its sshd has taken the agent's key, and no more after that, so that
 * nothing is kept open for a machine that nobody uses.
 */
import { backoffDelayMs } from '../../../../lib/base/backoff.js'
import { sleep, systemClock } from '../../../../lib/base/clock.js'
import type { GuestAnswer } from '../../machine-backend.js'

interface Asked {
  readonly pid: number
  readonly ending: AbortController
  answer?: GuestAnswer
}

const between = { initialMs: 500, maxMs: 10_000 }

export class GuestAnswers {
  private readonly asked = new Map<string, Asked>()
  private readonly hints = new Set<() => void>()

  /** `ask` rejects, in words, while the guest does not answer. */
  constructor(private readonly ask: (uid: string, signal: AbortSignal) => Promise<void>) {}

  /** Undefined while nothing is known of this process of the machine; a hint follows when something is. */
  of(uid: string, pid: number): GuestAnswer | undefined {
    const known = this.asked.get(uid)
    if (known?.pid === pid) return known.answer
    this.forget(uid)
    const asked: Asked = { pid, ending: new AbortController() }
    this.asked.set(uid, asked)
    void this.follow(uid, asked)
    return undefined
  }

  subscribe(onHint: () => void): () => void {
    this.hints.add(onHint)
    return () => this.hints.delete(onHint)
  }

  forget(uid: string): void {
    this.asked.get(uid)?.ending.abort()
    this.asked.delete(uid)
  }

  close(): void {
    for (const uid of [...this.asked.keys()]) this.forget(uid)
  }

  private async follow(uid: string, asked: Asked): Promise<void> {
    const { signal } = asked.ending
    for (let failures = 0; !signal.aborted; failures++) {
      const answer = await this.ask(uid, signal).then(
        (): GuestAnswer => ({ isReady: true, message: 'its SSH server answers' }),
        (error: Error): GuestAnswer => ({ isReady: false, message: error.message }),
      )
      if (signal.aborted) return
      const isNews = answer.message !== asked.answer?.message
      asked.answer = answer
      if (isNews) for (const hint of this.hints) hint()
      if (answer.isReady) return
      await sleep(systemClock, backoffDelayMs(failures, between), signal).catch(() => {})
    }
  }
}
