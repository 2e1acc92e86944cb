import type { Registry } from '../../apiserver/registry/registry.js'
import type { Store } from '../../apiserver/storage/store.js'
import { atEveryRevision, type Snapshot } from './snapshot.js'

/** What shall hold at every revision. The first time that it does not is remembered, since nobody listens then. */
export class Invariants {
  #violation: Error | undefined
  #isTold = false

  constructor(
    private readonly store: Store,
    private readonly registry: Registry,
  ) {}

  /** `check` throws when something is wrong. */
  add(check: (snapshot: Snapshot) => void): void {
    atEveryRevision(this.store, this.registry, (snapshot) => {
      try {
        if (!this.#violation) check(snapshot)
      } catch (error) {
        const said = error instanceof Error ? error.message : String(error)
        this.#violation = new Error(`at revision ${snapshot.revision} (${snapshot.change}): ${said}`, { cause: error })
      }
    })
  }

  /** Throws the first violation. */
  assert(): void {
    if (!this.#violation) return
    this.#isTold = true
    throw this.#violation
  }

  /** Throws it unless somebody has been told. */
  assertTold(): void {
    if (!this.#isTold) this.assert()
  }
}
