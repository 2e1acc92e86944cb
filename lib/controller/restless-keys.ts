/**
 * Keys each of whose passes changes the status. A rollout does so for a while; a status that holds a time or a count of passes does so for
 * ever, and its own write brings the object back at once.
 */
export class RestlessKeys {
  readonly #inARow = new Map<string, number>()

  /** Notes a pass. Returns true when the key has just become restless: worth a word. */
  note(key: string, changedStatus: boolean): boolean {
    if (!changedStatus) {
      this.#inARow.delete(key)
      return false
    }
    const count = (this.#inARow.get(key) ?? 0) + 1
    this.#inARow.set(key, count)
    return count === mostInARow
  }

  /** How long the key's next pass waits, milliseconds. */
  pauseMs(key: string): number {
    return (this.#inARow.get(key) ?? 0) < mostInARow ? 0 : restlessPauseMs
  }

  forget(key: string): void {
    this.#inARow.delete(key)
  }
}

export const mostInARow = 1_000
const restlessPauseMs = 100
