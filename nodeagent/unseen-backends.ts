import type { Logger } from '../lib/base/log.js'
import { BackendError } from './backends/backend.js'

/**
 * Says that a backend cannot be looked at once, however often it is tried, and again when
 * the reason is another one; and when it can be looked at again.
 */
export class UnseenBackends {
  readonly #reasons = new Map<string, string>()

  constructor(private readonly log: Logger) {}

  failed(backend: string, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error)
    if (this.#reasons.get(backend) === reason) return
    this.#reasons.set(backend, reason)
    // What a backend says of itself is a sentence; of anything else one wants to know where it comes from.
    const about = error instanceof BackendError ? { reason } : { err: error }
    this.log.warn({ backend, ...about }, 'a backend could not be looked at; it is tried again')
  }

  seen(backend: string): void {
    if (this.#reasons.delete(backend)) this.log.info({ backend }, 'the backend can be looked at again')
  }
}
