/**
 * Shares the streams of one connection out among those for whom they are asked. Nobody may hold more than are free: one alone gets half of
 * them, two a third each, and whoever comes next always finds some.
 */
export class StreamShares {
  readonly #held = new Map<string, number>()
  #used = 0

  constructor(private readonly most: number) {}

  /** How many somebody holds. */
  heldBy(holder: string): number {
    return this.#held.get(holder) ?? 0
  }

  /**
   * Takes one; the answer gives it back. Undefined: there is none, or none for this
   * holder. What is for nobody in particular takes whatever is free.
   */
  take(holder: string | undefined): (() => void) | undefined {
    const free = this.most - this.#used
    if (free <= (holder === undefined ? 0 : this.heldBy(holder))) return undefined
    this.#change(holder, 1)
    let isHeld = true
    return () => {
      if (isHeld) this.#change(holder, -1)
      isHeld = false
    }
  }

  #change(holder: string | undefined, by: 1 | -1): void {
    this.#used += by
    if (holder === undefined) return
    const held = this.heldBy(holder) + by
    if (held > 0) this.#held.set(holder, held)
    else this.#held.delete(holder)
  }
}
