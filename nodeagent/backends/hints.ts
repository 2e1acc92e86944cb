/** Who wants to hear that something may have changed. */
export class Hints {
  private readonly listeners = new Set<() => void>()

  /** Returns how to stop. */
  subscribe(onHint: () => void): () => void {
    this.listeners.add(onHint)
    return () => this.listeners.delete(onHint)
  }

  give(): void {
    for (const onHint of this.listeners) onHint()
  }
}
