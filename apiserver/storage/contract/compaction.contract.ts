import { describe, expect, it } from 'vitest'
import { isExpired } from '../../../lib/api/api-error.js'
import type { StoreUnderTest } from '../testing/store-under-test.js'
import { contentOf, failureOf, lease, namesOf, put, remove, task } from '../testing/store-writes.js'

const tasks = { group: 'millrace.dev', resource: 'tasks' }
const leases = { group: 'coordination.k8s.io', resource: 'leases' }
const day = 24 * 3600 * 1000

export function compactionContract(t: StoreUnderTest): void {
  describe('compaction', () => {
    const revisionsOf = async (key: ReturnType<typeof task>) => (await t.store.history(key)).map((entry) => entry.change.revision)

    it('answers Expired below the floor and exactly above it, also after a restart', async () => {
      for (let n = 0; n < 10; n++) await put(t.store, lease('a'), { value: n })
      await t.store.compact(6)
      for (const life of ['first', 'second']) {
        expect(t.store.compactRevision, life).toBe(6)
        expect(isExpired(await failureOf(t.store.listAt({ ...leases, revision: 5 })))).toBe(true)
        expect(isExpired(await failureOf(t.store.changesSince({ ...leases, after: 5 })))).toBe(true)
        expect(contentOf((await t.store.listAt({ ...leases, revision: 6 })).objects[0])?.value).toBe(4)
        const changes = await t.store.changesSince({ ...leases, after: 6 })
        expect(changes.map((change) => [change.revision, change.previous?.revision])).toEqual([
          [7, 6],
          [8, 7],
          [9, 8],
          [10, 9],
          [11, 10],
        ])
        await t.reopen()
      }
    })

    it('keeps a deletion above the floor, and its last object', async () => {
      await put(t.store, lease('a'), { value: 'x' })
      await put(t.store, lease('b'))
      await remove(t.store, lease('a'))
      await t.store.compact(3)
      await t.reopen()
      const [change] = await t.store.changesSince({ ...leases, after: 3 })
      expect(change).toMatchObject({ type: 'DELETED', revision: 4, previous: { revision: 2 } })
      expect(namesOf((await t.store.listAt({ ...leases, revision: 3 })).objects)).toEqual(['default/a', 'default/b'])
      await t.store.compact(4)
      expect(await revisionsOf(lease('a'))).toEqual([])
    })

    it('leaves one row of a live object and none of a deleted one, where the kind keeps no history', async () => {
      for (let n = 0; n < 5; n++) await put(t.store, lease('live'), { value: n })
      await put(t.store, lease('dead'))
      await remove(t.store, lease('dead'))
      await put(t.store, lease('untouched'))
      await t.store.compact(t.store.revision)
      expect(await revisionsOf(lease('live'))).toEqual([6])
      expect(await revisionsOf(lease('dead'))).toEqual([])
      await t.reopen()
      expect(namesOf(t.store.list(leases).objects)).toEqual(['default/live', 'default/untouched'])
    })

    it('frees a row that was live at one compaction and superseded before the next', async () => {
      await put(t.store, lease('a'))
      await t.store.compact(2)
      await put(t.store, lease('b'))
      await put(t.store, lease('a'))
      expect(await revisionsOf(lease('a'))).toEqual([2, 4])
      await t.store.compact(4)
      expect(await revisionsOf(lease('a'))).toEqual([4])
    })

    it('keeps the history of kinds that want it, by number and by age', async () => {
      await t.reopen({ history: { maxRevisions: 3, maxAgeMs: 90 * day } })
      for (let n = 0; n < 6; n++) await put(t.store, task('a'), { value: n })
      await put(t.store, task('dead'))
      await remove(t.store, task('dead'))
      await t.store.compact(t.store.revision)
      expect(await revisionsOf(task('a'))).toEqual([5, 6, 7])
      expect(await revisionsOf(task('dead'))).toEqual([8, 9])
      expect(isExpired(await failureOf(t.store.listAt({ ...tasks, revision: 6 })))).toBe(true)

      await t.clock.advance(91 * day)
      await put(t.store, task('a'), { value: 'young' })
      await t.store.compact(t.store.revision)
      expect(await revisionsOf(task('a'))).toEqual([7, 10])
      expect(await revisionsOf(task('dead'))).toEqual([])
      expect(contentOf(t.store.get(task('a')))?.value).toBe('young')
    })

    it('never uses a revision again, even when the newest rows are gone', async () => {
      await put(t.store, lease('a'))
      await remove(t.store, lease('a'))
      await t.store.compact(3)
      await t.reopen()
      expect(t.store.revision).toBe(3)
      expect((await put(t.store, lease('b'))).object?.revision).toBe(4)
    })

    it('never lowers the floor, whoever asks at once', async () => {
      for (let n = 0; n < 8; n++) await put(t.store, lease('a'), { value: n })
      await Promise.all([t.store.compact(7), t.store.compact(3), t.store.compact(5)])
      expect(t.store.compactRevision).toBe(7)
      await t.reopen()
      expect(t.store.compactRevision).toBe(7)
    })

    it('takes writes between its steps', async () => {
      await Promise.all(Array.from({ length: 1500 }, (_, n) => put(t.store, lease(`l${n % 50}`), { value: n })))
      t.batches.length = 0
      const compacted = t.store.compact(t.store.revision)
      let ended = false
      const ending = compacted.finally(() => {
        ended = true
      })
      let writes = 0
      while (!ended) {
        await put(t.store, lease('other'), { value: writes })
        writes++
      }
      await ending
      expect(writes).toBeGreaterThan(3)
      expect(namesOf((await t.store.listAt({ ...leases, revision: t.store.revision })).objects)).toHaveLength(51)
      expect((await t.store.history(lease('l7'))).length).toBe(1)
    })

    it('goes on after a restart where it was, and refuses a revision that does not exist', async () => {
      for (let n = 0; n < 5; n++) await put(t.store, lease('a'), { value: n })
      await t.store.compact(3)
      await t.reopen()
      await t.store.compact(2)
      expect(t.store.compactRevision).toBe(3)
      await t.store.compact(6)
      expect(await revisionsOf(lease('a'))).toEqual([6])
      expect(await failureOf(t.store.compact(7))).toMatchObject({ reason: 'BadRequest' })
    })
  })
}
