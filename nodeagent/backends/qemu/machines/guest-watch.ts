import { Hints } from '../../hints.js'

/**
 * What is known of machines that run, each watched from when it is first seen to run
 * until its process ends, or until there is nothing more to learn.
 */
export class GuestWatch<T> {
  private readonly watched = new Map<string, { readonly pid: number; readonly ending: AbortController; known?: T }>()
  private readonly hints = new Hints()

  /** `watch` tells what it finds; what it told last is known. Aborted when the process has ended. */
  constructor(private readonly watch: (uid: string, tell: (found: T) => void, signal: AbortSignal) => Promise<void>) {}

  /** Undefined while nothing is known of this process of the machine; a hint follows when something is. */
  of(uid: string, pid: number): T | undefined {
    const present = this.watched.get(uid)
    if (present?.pid === pid) return present.known
    this.forget(uid)
    const ending = new AbortController()
    const begun: { readonly pid: number; readonly ending: AbortController; known?: T } = { pid, ending }
    this.watched.set(uid, begun)
    const tell = (found: T) => {
      if (ending.signal.aborted) return
      begun.known = found
      this.hints.give()
    }
    this.watch(uid, tell, ending.signal).catch(() => {}) // it was ended
    return undefined
  }

  subscribe(onHint: () => void): () => void {
    return this.hints.subscribe(onHint)
  }

  forget(uid: string): void {
    this.watched.get(uid)?.ending.abort()
    this.watched.delete(uid)
  }

  close(): void {
    for (const uid of [...this.watched.keys()]) this.forget(uid)
  }
}
