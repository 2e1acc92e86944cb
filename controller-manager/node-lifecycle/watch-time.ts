/**
 * Counts only the time during which this process is known to have seen everything: between two beats that came
 * back over its own watch with no failure in between. A node is silent for so long as this says, whatever the
 * clocks of the machine did, and however long the watch was down.
 */
export class WatchTime {
  #countedMs = 0
  #confirmedAtMs: number | undefined

  /** `maxGapMs`: more than this between two beats is not believed: the process itself was stopped. */
  constructor(private readonly maxGapMs: number) {}

  get countedMs(): number {
    return this.#countedMs
  }

  /** A beat that was sent at `sentAtMs` (monotonic) has come back: everything before it has been seen. */
  confirm(sentAtMs: number): void {
    if (this.#confirmedAtMs !== undefined) this.#countedMs += Math.min(Math.max(0, sentAtMs - this.#confirmedAtMs), this.maxGapMs)
    this.#confirmedAtMs = sentAtMs
  }

  /** The watch, or the server, was away: the time since the last beat does not count. */
  interrupt(): void {
    this.#confirmedAtMs = undefined
  }
}
