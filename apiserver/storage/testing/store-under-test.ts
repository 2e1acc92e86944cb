import { ManualClock } from '../../../lib/testing/manual-clock.js'
import { openStore, type StoreOptions } from '../create-store.js'
import { createSealingKey, Keyring } from '../keyring.js'
import type { LogDriver } from '../log-driver.js'
import type { Store } from '../store.js'
import { policyOf } from './store-writes.js'

/** Where a driver under test keeps its rows: `driver()` gives a new handle on the same log. */
export interface LogPlace {
  driver(): LogDriver
  remove(): Promise<void>
}

/** The store of the test that runs, and what a test may do with it. */
export class StoreUnderTest {
  /** The number of rows of each commit, since the test began. */
  batches: number[] = []
  /** Moves when the test says so. */
  clock = new ManualClock()
  private readonly keyring = new Keyring([createSealingKey()])
  /** `fixed`: how every store of the test is opened. */
  constructor(private readonly fixed: Partial<StoreOptions> = {}) {}

  private started: { place: LogPlace; store: Store } | undefined

  get store(): Store {
    if (!this.started) throw new Error('no test has begun')
    return this.started.store
  }

  async begin(place: LogPlace): Promise<void> {
    this.batches = []
    this.clock = new ManualClock()
    this.started = { place, store: await this.openOn(place) }
  }

  /** Closes the store and opens it again, as a restart does. */
  async reopen(options?: Partial<StoreOptions>): Promise<void> {
    if (!this.started) throw new Error('no test has begun')
    await this.started.store.close()
    this.started.store = await this.openOn(this.started.place, options)
  }

  async end(): Promise<void> {
    await this.started?.store.close()
    await this.started?.place.remove()
    this.started = undefined
  }

  private openOn(place: LogPlace, options: Partial<StoreOptions> = {}): Promise<Store> {
    const { keyring, clock, batches } = this
    return openStore({
      driver: place.driver(),
      policyOf,
      keyring,
      clock,
      onBatch: ({ rows }) => batches.push(rows),
      ...this.fixed,
      ...options,
    })
  }
}
