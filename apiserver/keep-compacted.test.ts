import { describe, expect, it } from 'vitest'
import { silentLogger } from '../lib/base/log.js'
import { ManualClock } from '../lib/testing/manual-clock.js'
import { keepCompacted } from './keep-compacted.js'

describe('keepCompacted', () => {
  it('raises the floor to where the store was one window ago, never closer', async () => {
    const clock = new ManualClock()
    const floors: number[] = []
    const store = {
      revision: 10,
      compactRevision: 0,
      writeState: { open: true },
      async compact(revision: number) {
        floors.push(revision)
        store.compactRevision = revision
      },
    }
    const stop = keepCompacted({ store, clock, log: silentLogger, windowMs: 60_000 })
    await clock.advance(30_000)
    expect(floors).toEqual([])
    store.revision = 20
    await clock.advance(30_000)
    expect(floors).toEqual([10])
    store.revision = 30
    await clock.advance(30_000)
    await clock.advance(30_000)
    expect(floors).toEqual([10, 20])
    stop()
    store.revision = 40
    await clock.advance(300_000)
    expect(floors).toEqual([10, 20])
  })
})
