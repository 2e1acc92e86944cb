import type { Clock } from './clock.js'

/** A rate with a burst: `burst` at once, then `perSecond`. */
export class TokenBucket {
  readonly #clock: Clock
  readonly #perMs: number
  readonly #burst: number
  #tokens: number
  #countedAt: number

  constructor(options: { readonly clock: Clock; readonly perSecond: number; readonly burst: number }) {
    this.#clock = options.clock
    this.#perMs = options.perSecond / 1000
    this.#burst = options.burst
    this.#tokens = options.burst
    this.#countedAt = options.clock.monotonic()
  }

  /** Takes a token if there is one. */
  tryTake(): boolean {
    this.#refill()
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }

  /** Takes the next tokens ahead of their time; returns in how many milliseconds they are due. */
  reserve(count = 1): number {
    this.#refill()
    this.#tokens -= count
    return this.#tokens >= 0 ? 0 : -this.#tokens / this.#perMs
  }

  /** In how many milliseconds there is a token; 0 when there is one. */
  get untilNextMs(): number {
    this.#refill()
    return Math.max(0, 1 - this.#tokens) / this.#perMs
  }

  #refill(): void {
    const now = this.#clock.monotonic()
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#countedAt) * this.#perMs)
    this.#countedAt = now
  }
}
