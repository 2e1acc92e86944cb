import { afterEach, beforeEach, describe } from 'vitest'
import { changesContract } from './contract/changes.contract.js'
import { claimsContract } from './contract/claims.contract.js'
import { compactionContract } from './contract/compaction.contract.js'
import { readingContract } from './contract/reading.contract.js'
import { restartContract } from './contract/restart.contract.js'
import { writingContract } from './contract/writing.contract.js'
import { type LogPlace, StoreUnderTest } from './testing/store-under-test.js'

/** What every driver's store does. Run by each driver's tests, on a new log for each test. */
export function storeContract(name: string, createPlace: () => Promise<LogPlace>): void {
  describe(`a store on ${name}`, () => {
    const current = new StoreUnderTest()
    beforeEach(async () => current.begin(await createPlace()))
    afterEach(() => current.end())

    writingContract(current)
    claimsContract(current)
    readingContract(current)
    changesContract(current)
    compactionContract(current)
    restartContract(current)
  })

  describe(`a store on ${name} that holds no past in memory`, () => {
    const current = new StoreUnderTest({ recentChanges: 0 })
    beforeEach(async () => current.begin(await createPlace()))
    afterEach(() => current.end())

    readingContract(current)
    changesContract(current)
  })
}
