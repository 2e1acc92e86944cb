import { describe, expect, it } from 'vitest'
import type { Change, Commit } from '../store.js'
import type { StoreUnderTest } from '../testing/store-under-test.js'
import { contentOf, draftOf, lease, put, remove, task } from '../testing/store-writes.js'

const tasks = { group: 'millrace.dev', resource: 'tasks' }
const leases = { group: 'coordination.k8s.io', resource: 'leases' }

export function changesContract(t: StoreUnderTest): void {
  describe('changes', () => {
    const write = async () => {
      await put(t.store, task('a'), { value: 1 })
      await Promise.all([put(t.store, task('b')), put(t.store, lease('l')), put(t.store, task('a'), { value: 2 })])
      await remove(t.store, task('b'))
    }
    const heard = () => {
      const changes: Change[] = []
      t.store.onCommit((commit: Commit) => changes.push(...commit.changes))
      return changes
    }

    it('tells listeners every change with the object before it', async () => {
      const changes = heard()
      await write()
      expect(changes.map(({ type, revision }) => [type, revision])).toEqual([
        ['ADDED', 2],
        ['ADDED', 3],
        ['ADDED', 4],
        ['MODIFIED', 5],
        ['DELETED', 6],
      ])
      expect(changes[3]?.previous).toEqual(changes[0]?.object)
      expect(contentOf(changes[4]?.object)?.resourceVersion).toBe('6')
      expect(changes[4]?.previous).toEqual(changes[1]?.object)
    })

    it.each(['from memory', 'from the log'])('resumes from any revision, %s', async (source) => {
      const all = heard()
      await write()
      if (source === 'from the log') await t.reopen()
      for (let after = 1; after <= t.store.revision; after++) {
        const expected = all.filter((change) => change.revision > after && change.object.key.resource === 'tasks')
        expect(await t.store.changesSince({ ...tasks, after })).toEqual(expected)
        expect(await t.store.changesSince({ ...tasks, after, upTo: 4 })).toEqual(expected.filter((change) => change.revision <= 4))
      }
      expect(await t.store.changesSince({ ...leases, after: 1 })).toEqual([all[2]])
    })

    it('joins the log and memory where the memory of recent changes ends', async () => {
      await t.reopen({ recentChanges: 10 })
      for (let n = 0; n < 35; n++) await put(t.store, task(`t${n % 3}`), { value: n })
      for (const after of [1, 20, 25, 26, 27, 35, 36]) {
        const revisions = (await t.store.changesSince({ ...tasks, after })).map((change) => change.revision)
        expect(revisions).toEqual(Array.from({ length: 36 - after }, (_, n) => after + 1 + n))
      }
    })

    it('keeps who, when and what for history, over deletion and another life', async () => {
      await t.store.write(task('a'), () => ({ type: 'put', draft: draftOf(task('a'), { uid: 'u1', value: 1 }) }), {
        actor: 'ann',
        requestId: 'q1',
      })
      await t.clock.advance(5000)
      await put(t.store, task('a'), { uid: 'u1', value: 2 })
      await remove(t.store, task('a'))
      await put(t.store, task('a'), { uid: 'u2', value: 3 })
      await put(t.store, task('b'))
      await t.reopen()
      const entries = await t.store.history(task('a'))
      expect(entries.map(({ change, actor }) => [change.type, change.object.uid, contentOf(change.object)?.value, actor])).toEqual([
        ['ADDED', 'u1', 1, 'ann'],
        ['MODIFIED', 'u1', 2, 'tester'],
        ['DELETED', 'u1', 2, 'tester'],
        ['ADDED', 'u2', 3, 'tester'],
      ])
      expect(entries[0]).toMatchObject({ requestId: 'q1', timeMs: t.clock.now() - 5000 })
      expect(entries[1]?.change.previous).toEqual(entries[0]?.change.object)
      expect(entries[3]?.change.previous).toBeUndefined()
    })
  })
}
