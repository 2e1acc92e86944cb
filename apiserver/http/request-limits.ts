import { tooManyRequests } from '../../lib/api/api-error.js'

/** Bounds of what one server takes on. */
export interface RequestLimitOptions {
  /** Reads in flight; watches and logs count until they have begun. Default 400. */
  readonly maxReads?: number
  /** Writes in flight. Default 200. */
  readonly maxWrites?: number
  /** Bytes of a request body. Default 3 MiB. */
  readonly maxBodyBytes?: number
  /** For the headers to arrive. Default 10 s. */
  readonly headersTimeoutMs?: number
  /** For the whole request to arrive. Default 30 s. */
  readonly requestTimeoutMs?: number
  /** For the answer to begin. Default 60 s. */
  readonly answerTimeoutMs?: number
  /** Unsent bytes of a live watch. Default 1 MiB. */
  readonly watchByteBudget?: number
  /** How long a client may take none of the bytes that it asked for. Default 30 s. */
  readonly stallMs?: number
  /** How long a read waits for a revision that is not there yet. Default 3 s. */
  readonly freshnessWaitMs?: number
}

export const defaultLimits = {
  maxReads: 400,
  maxWrites: 200,
  maxBodyBytes: 3 * 1024 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  answerTimeoutMs: 60_000,
  watchByteBudget: 1024 * 1024,
  stallMs: 30_000,
  freshnessWaitMs: 3_000,
} as const satisfies Required<RequestLimitOptions>

/** Counts what is in flight. */
export class RequestLimits {
  readonly bounds: Required<RequestLimitOptions>
  #reads = 0
  #writes = 0

  constructor(options: RequestLimitOptions = {}) {
    this.bounds = { ...defaultLimits, ...options }
  }

  get inFlight(): { reads: number; writes: number } {
    return { reads: this.#reads, writes: this.#writes }
  }

  /** Takes a place; returns how to give it back, once. Throws TooManyRequests when there is none. */
  enter(verb: string): () => void {
    const isRead = readVerbs.has(verb)
    if (isRead ? this.#reads >= this.bounds.maxReads : this.#writes >= this.bounds.maxWrites)
      throw tooManyRequests('the server has too many requests in flight; please try again later', 1)
    if (isRead) this.#reads += 1
    else this.#writes += 1
    let left = false
    return () => {
      if (left) return
      left = true
      if (isRead) this.#reads -= 1
      else this.#writes -= 1
    }
  }
}

const readVerbs = new Set(['get', 'list', 'watch', 'head', 'options'])
