/**
 * Keys that wait to be worked on. A key that is added twice waits once; a key that is added while it is being worked on comes again
 * afterwards: so no key runs twice at the same time, and no change goes unseen.
 */
import { type BackoffOptions, backoffDelayMs } from '../base/backoff.js'
import type { Clock, Timer } from '../base/clock.js'
import { TokenBucket } from '../base/token-bucket.js'

export interface WorkQueueOptions {
  readonly clock: Clock
  /** Pauses of one key's retries. Default: 5 ms doubling to 1,000 s, with up to half of each left to chance. */
  readonly backoff?: BackoffOptions
  /** Retries of all keys together. Default: 100 at once, then 10 a second. */
  readonly retryRate?: { readonly perSecond: number; readonly burst: number }
  readonly random?: () => number
}

const defaultBackoff: BackoffOptions = { initialMs: 5, maxMs: 1_000_000, jitter: 'none' }
const defaultRetryRate = { perSecond: 10, burst: 100 }

export class WorkQueue {
  readonly #clock: Clock
  readonly #backoff: BackoffOptions
  readonly #random: () => number
  readonly #retryRate: TokenBucket
  /** Keys to hand out, in order. */
  readonly #ready = new Set<string>()
  readonly #working = new Set<string>()
  /** Keys that were added while they were worked on. */
  readonly #again = new Set<string>()
  readonly #later = new Map<string, { readonly atMs: number; readonly timer: Timer }>()
  readonly #failures = new Map<string, number>()
  readonly #takers: ((key: string | undefined) => void)[] = []
  #closed = false

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock
    this.#backoff = options.backoff ?? defaultBackoff
    this.#random = options.random ?? Math.random
    this.#retryRate = new TokenBucket({ clock: options.clock, ...(options.retryRate ?? defaultRetryRate) })
  }

  /** Keys that are ready to be worked on. */
  get length(): number {
    return this.#ready.size
  }

  add(key: string): void {
    if (this.#closed) return
    if (this.#working.has(key)) {
      this.#again.add(key)
      return
    }
    const taker = this.#ready.has(key) ? undefined : this.#takers.shift()
    if (!taker) {
      this.#ready.add(key)
      return
    }
    this.#working.add(key)
    taker(key)
  }

  /** Adds the key later; of several such wishes the earliest counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#closed) return
    if (delayMs <= 0) {
      this.add(key)
      return
    }
    const atMs = this.#clock.monotonic() + delayMs
    const before = this.#later.get(key)
    if (before && before.atMs <= atMs) return
    before?.timer.cancel()
    const timer = this.#clock.setTimer(delayMs, () => {
      this.#later.delete(key)
      this.add(key)
    })
    this.#later.set(key, { atMs, timer })
  }

  /** Adds the key again after a failure: later with each failure in a row. Returns the pause in milliseconds. */
  retry(key: string): number {
    const failures = this.#failures.get(key) ?? 0
    this.#failures.set(key, failures + 1)
    const ownMs = backoffDelayMs(failures, this.#backoff) * (0.5 + 0.5 * this.#random())
    const delayMs = Math.max(ownMs, this.#retryRate.reserve())
    this.addAfter(key, delayMs)
    return delayMs
  }

  /** The key has succeeded: its next failure is a first one. */
  forget(key: string): void {
    this.#failures.delete(key)
  }

  /** The next key, once there is one; undefined when the queue is closed. Each key taken is given back with `done`. */
  take(): Promise<string | undefined> {
    if (this.#closed) return Promise.resolve(undefined)
    for (const key of this.#ready) {
      this.#ready.delete(key)
      this.#working.add(key)
      return Promise.resolve(key)
    }
    return new Promise((resolve) => this.#takers.push(resolve))
  }

  done(key: string): void {
    this.#working.delete(key)
    if (this.#again.delete(key)) this.add(key)
  }

  /** Nothing is handed out or taken in any more. */
  close(): void {
    this.#closed = true
    for (const { timer } of this.#later.values()) timer.cancel()
    this.#later.clear()
    this.#ready.clear()
    this.#again.clear()
    for (const taker of this.#takers.splice(0)) taker(undefined)
  }
}
