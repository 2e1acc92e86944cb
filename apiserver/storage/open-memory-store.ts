import type { Clock } from '../../lib/base/clock.js'
import type { Logger } from '../../lib/base/log.js'
import { openStore, type PolicyOf } from './create-store.js'
import { MemoryDriver } from './drivers/memory/memory-driver.js'
import { createSealingKey, Keyring } from './keyring.js'
import type { Store } from './store.js'

/** A store that ends with the process: the real committer, view and compaction over a log in memory. For tests. */
export function openMemoryStore(options: { policyOf: PolicyOf; clock: Clock; logger?: Logger }): Promise<Store> {
  return openStore({ ...options, driver: new MemoryDriver(), keyring: new Keyring([createSealingKey()]) })
}
