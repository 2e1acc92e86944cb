import type { TransportRequest } from '../client/transport.js'
import { type Failure, type FailureForm, isAbout, requestFacts } from './failure.js'

/** A failure that was ordered. */
export interface OrderedFailure {
  /** How many requests it has hit. */
  readonly hits: number
  /** It hits no more. */
  cancel(): void
}

/** What a test orders outlives the controllers: it is here, and each of their lives has a transport of its own. */
export class Mishaps {
  readonly #failures = new Set<{ readonly failure: Failure; met: number; hits: number }>()
  /** Requests that controllers have sent, watches aside. */
  requests = 0
  /** Requests until watches are released. */
  #heldFor = Number.POSITIVE_INFINITY
  /** While there is one, watches tell nothing. */
  #held: { readonly released: Promise<void>; readonly release: () => void } | undefined

  order(failure: Failure): OrderedFailure {
    const ordered = { failure, met: 0, hits: 0 }
    this.#failures.add(ordered)
    return {
      get hits() {
        return ordered.hits
      },
      cancel: () => void this.#failures.delete(ordered),
    }
  }

  /** Nothing goes wrong any more. */
  clear(): void {
    this.#failures.clear()
    this.releaseWatches()
  }

  /** Counts the request, and says how it fails. */
  next(request: TransportRequest): FailureForm | undefined {
    this.requests++
    if (--this.#heldFor <= 0) this.releaseWatches()
    if (this.#failures.size === 0) return undefined
    const facts = requestFacts(request)
    for (const ordered of this.#failures) {
      const { failure } = ordered
      if (!isAbout(failure, facts)) continue
      ordered.met++
      if (ordered.met <= (failure.after ?? 0)) continue
      ordered.hits++
      if (ordered.hits >= (failure.times ?? 1)) this.#failures.delete(ordered)
      if (failure.lag) this.holdWatches(failure.lag)
      return failure.with
    }
    return undefined
  }

  get watchesAreHeld(): boolean {
    return this.#held !== undefined
  }
  /** Until they are released, or so many further requests have been sent. */
  holdWatches(requests = Number.POSITIVE_INFINITY): void {
    this.#held ??= withRelease()
    this.#heldFor = requests
  }
  releaseWatches(): void {
    this.#held?.release()
    this.#held = undefined
    this.#heldFor = Number.POSITIVE_INFINITY
  }
  /** Resolves when watches may tell what they have. */
  get flowing(): Promise<void> | undefined {
    return this.#held?.released
  }
}

function withRelease() {
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  return { released, release }
}
