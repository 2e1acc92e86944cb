/** Lets callers wait until a revision has been reached. Revisions are the server's own, which count up for the whole cluster. */
export class RevisionGate {
  /** Resolves when a first revision is reached; rejects when the gate closes before. */
  readonly opened: Promise<void>
  #reached: bigint | undefined
  #closed = false
  #open: () => void = () => {}
  #fail: (reason: unknown) => void = () => {}
  readonly #waiting = new Set<{ readonly revision: bigint; readonly resolve: () => void; readonly reject: (reason: unknown) => void }>()

  constructor() {
    this.opened = new Promise((resolve, reject) => {
      this.#open = resolve
      this.#fail = reject
    })
    // Whoever does not wait does not care.
    this.opened.catch(() => {})
  }

  get isOpen(): boolean {
    return this.#reached !== undefined
  }

  hasSeen(resourceVersion: string): boolean {
    return this.#reached !== undefined && this.#reached >= BigInt(resourceVersion)
  }

  seen(resourceVersion: string, signal?: AbortSignal): Promise<void> {
    if (this.hasSeen(resourceVersion)) return Promise.resolve()
    if (this.#closed) return Promise.reject(new Error('the informer has stopped'))
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(waiter)
        signal?.removeEventListener('abort', onAbort)
      }
      const onAbort = () => {
        leave()
        reject(signal?.reason)
      }
      const waiter = {
        revision: BigInt(resourceVersion),
        resolve: () => {
          leave()
          resolve()
        },
        reject: (reason: unknown) => {
          leave()
          reject(reason)
        },
      }
      if (signal?.aborted) return reject(signal.reason)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiting.add(waiter)
    })
  }

  reach(resourceVersion: string): void {
    const first = this.#reached === undefined
    this.#reached = BigInt(resourceVersion)
    if (first) this.#open()
    if (this.#waiting.size === 0) return
    for (const waiter of [...this.#waiting]) if (waiter.revision <= this.#reached) waiter.resolve()
  }

  close(reason: unknown): void {
    this.#closed = true
    this.#fail(reason)
    for (const waiter of [...this.#waiting]) waiter.reject(reason)
  }
}
