import { describe, expect, it } from 'vitest'
import { isConflict, staleResourceVersion } from '../../../lib/api/api-error.js'
import type { Decide, Facets } from '../store.js'
import type { StoreUnderTest } from '../testing/store-under-test.js'
import { contentOf, draftOf, failureOf, namesOf, put, remove, task, writer } from '../testing/store-writes.js'

const tasks = { group: 'millrace.dev', resource: 'tasks' }

export function writingContract(t: StoreUnderTest): void {
  describe('writing', () => {
    it('starts empty at revision 1 and counts every change', async () => {
      expect(t.store.revision).toBe(1)
      const created = await put(t.store, task('a'), { value: 'one' })
      expect(created.outcome).toBe('created')
      expect(created.object).toMatchObject({ revision: 2, createRevision: 2, uid: 'uid-a' })
      const updated = await put(t.store, task('a'), { value: 'two' })
      expect(updated).toMatchObject({ outcome: 'updated', object: { revision: 3, createRevision: 2 } })
      expect(contentOf(t.store.get(task('a')))).toEqual({ resourceVersion: '3', value: 'two' })
      const deleted = await remove(t.store, task('a'))
      expect(deleted).toMatchObject({ outcome: 'deleted', object: { revision: 4, createRevision: 2 } })
      expect(contentOf(deleted.object)).toEqual({ resourceVersion: '4', value: 'two' })
      expect(t.store.get(task('a'))).toBeUndefined()
      expect(t.store.revision).toBe(4)
    })

    it('answers a no-op with what is there and writes nothing', async () => {
      await put(t.store, task('a'))
      const result = await t.store.write(task('a'), () => ({ type: 'unchanged' }), writer)
      expect(result).toEqual({ outcome: 'unchanged', object: t.store.get(task('a')) })
      expect(await remove(t.store, task('never'))).toEqual({ outcome: 'unchanged', object: undefined })
      expect(t.store.revision).toBe(2)
      expect(t.batches).toEqual([1])
    })

    it('rejects with what the decision threw', async () => {
      const refusal = new Error('no')
      const refused = t.store.write(
        task('a'),
        () => {
          throw refusal
        },
        writer,
      )
      expect(await failureOf(refused)).toBe(refusal)
      expect(t.store.revision).toBe(1)
    })

    it('refuses to delete what does not exist', async () => {
      const deletion = t.store.write(task('a'), () => ({ type: 'delete', draft: draftOf(task('a')) }), writer)
      expect((await failureOf(deletion)).message).toContain('does not exist')
    })

    it('keeps bytes exactly, whatever is in them', async () => {
      const value = { text: 'quote \' " $1 :x ? \\ \u0000 € 𝄞', number: 1e21, deep: [[[]]] }
      await put(t.store, task('a'), { value })
      await put(t.store, task("o'n$1e"), { value: 'odd name' })
      const before = t.store.get(task('a'))?.bytes
      await t.reopen()
      expect(t.store.get(task('a'))?.bytes).toEqual(before)
      expect(contentOf(t.store.get(task('a')))?.value).toEqual(value)
      expect(contentOf(t.store.get(task("o'n$1e")))?.value).toBe('odd name')
    })

    it('commits writes that come together as one batch, with a revision each', async () => {
      const results = await Promise.all(Array.from({ length: 64 }, (_, n) => put(t.store, task(`t${n}`))))
      expect(results.map((result) => result.object?.revision)).toEqual(Array.from({ length: 64 }, (_, n) => n + 2))
      expect(t.batches).toEqual([64])
    })

    it('gathers the next batch while a commit is in flight, and a lone write waits for nobody', async () => {
      let first: Promise<unknown> = Promise.resolve()
      await new Promise<void>((decided) => {
        const draft = draftOf(task('first'))
        const decide: Decide = () => {
          decided()
          return { type: 'put', draft }
        }
        first = t.store.write(task('first'), decide, writer)
      })
      const others = Array.from({ length: 10 }, (_, n) => put(t.store, task(`t${n}`)))
      await Promise.all([first, ...others])
      expect(t.batches).toEqual([1, 10])
    })

    it('never puts more than 500 rows or 8 MiB into one transaction', async () => {
      await Promise.all(Array.from({ length: 1100 }, (_, n) => put(t.store, task(`t${n}`))))
      expect(t.batches).toEqual([500, 500, 100])
      t.batches.length = 0
      const value = 'x'.repeat(3 * 1024 * 1024)
      await Promise.all(Array.from({ length: 5 }, (_, n) => put(t.store, task(`big${n}`), { value })))
      expect(t.batches).toEqual([2, 2, 1])
    })

    it('commits what is put alongside in the same transaction, or nothing of both', async () => {
      const claims = ['cluster:port=80']
      await put(t.store, task('holder'), { claims })
      t.batches.length = 0
      const both = (other: Facets['claims']): Decide => {
        const alongside = [{ key: task('other/b'), draft: draftOf(task('other/b'), { value: 1, claims: other }) }]
        return () => ({ type: 'put', draft: draftOf(task('a'), { value: 1 }), alongside })
      }
      const refused = t.store.write(task('a'), both(claims), writer)
      expect(isConflict(await failureOf(refused))).toBe(true)
      expect(namesOf(t.store.list(tasks).objects)).toEqual(['default/holder'])
      const { object } = await t.store.write(task('a'), both([]), writer)
      expect(object?.key.name).toBe('a')
      expect(t.batches).toEqual([2])
      await t.reopen()
      expect(t.store.list(tasks).objects.map(({ key, revision }) => [key.name, revision])).toEqual([
        ['a', 3],
        ['holder', 2],
        ['b', 4],
      ])
    })

    it('shows a decision what an earlier one of its batch put alongside, and counts those rows', async () => {
      const spend = (n: number) =>
        t.store.write(
          task(`t${n}`),
          (_current, view) => {
            const left = Number(contentOf(view.get(task('purse')))?.value ?? 3)
            if (left === 0) throw new Error('spent')
            return {
              type: 'put',
              draft: draftOf(task(`t${n}`)),
              alongside: [{ key: task('purse'), draft: draftOf(task('purse'), { value: left - 1 }) }],
            }
          },
          writer,
        )
      const results = await Promise.allSettled(Array.from({ length: 50 }, (_, n) => spend(n)))
      expect(results.map(({ status }) => status)).toEqual([...Array(3).fill('fulfilled'), ...Array(47).fill('rejected')])
      expect(t.batches).toEqual([6])
    })

    it('decides in turn: of many writers with one resourceVersion, one wins', async () => {
      const { object } = await put(t.store, task('a'), { value: 0 })
      const attempts = await Promise.allSettled(
        Array.from({ length: 20 }, (_, n) =>
          t.store.write(
            task('a'),
            (current) => {
              if (current?.revision !== object?.revision) throw staleResourceVersion({ ...tasks, name: 'a' })
              return { type: 'put', draft: draftOf(task('a'), { value: n }) }
            },
            writer,
          ),
        ),
      )
      expect(attempts.filter((attempt) => attempt.status === 'fulfilled')).toHaveLength(1)
      expect(attempts.flatMap((attempt) => (attempt.status === 'rejected' ? [isConflict(attempt.reason)] : []))).toEqual(
        Array(19).fill(true),
      )
    })

    it('shows a decision what its batch has already decided', async () => {
      const increment = () =>
        t.store.write(
          task('counter'),
          (current) => ({ type: 'put', draft: draftOf(task('counter'), { value: Number(contentOf(current)?.value ?? 0) + 1 }) }),
          writer,
        )
      await put(t.store, task('gone'))
      let seen: string[][] = []
      const look = () =>
        t.store.write(
          task('x'),
          (_current, view) => {
            expect(view.get(task('gone'))).toBeUndefined()
            seen = [namesOf([...view.scan('millrace.dev', 'tasks')]), namesOf([...view.scan('millrace.dev', 'tasks', 'other')])]
            return { type: 'unchanged' }
          },
          writer,
        )
      await Promise.all([...Array.from({ length: 50 }, increment), remove(t.store, task('gone')), put(t.store, task('other/new')), look()])
      expect(contentOf(t.store.get(task('counter')))?.value).toBe(50)
      expect(seen).toEqual([['default/counter', 'other/new'], ['other/new']])
    })

    it('puts, deletes and puts one key again within a batch', async () => {
      const results = await Promise.all([
        put(t.store, task('a'), { uid: 'u1' }),
        remove(t.store, task('a')),
        put(t.store, task('a'), { uid: 'u2' }),
        remove(t.store, task('a')),
        put(t.store, task('a'), { uid: 'u3', value: 'last' }),
      ])
      expect(results.map((result) => result.outcome)).toEqual(['created', 'deleted', 'created', 'deleted', 'created'])
      expect(t.batches).toEqual([5])
      await t.reopen()
      expect(t.store.get(task('a'))).toMatchObject({ uid: 'u3', revision: 6, createRevision: 6 })
      expect(t.store.count('millrace.dev', 'tasks')).toBe(1)
    })

    it('answers after the listeners have heard, and they hear after the view has changed', async () => {
      const order: string[] = []
      const stop = t.store.onCommit(({ changes }) =>
        order.push(`heard ${changes.length}, view has ${contentOf(t.store.get(task('a')))?.value}`),
      )
      t.store.onCommit(() => {
        throw new Error('a broken listener')
      })
      await Promise.all([put(t.store, task('a'), { value: 1 }).then(() => order.push('answered')), put(t.store, task('b'))])
      expect(order).toEqual(['heard 2, view has 1', 'answered'])
      stop()
      await put(t.store, task('a'))
      expect(order).toHaveLength(2)
    })

    it('refuses writes after close, and finishes those before', async () => {
      const last = put(t.store, task('a'))
      await t.store.close()
      expect((await last).outcome).toBe('created')
      expect(await failureOf(put(t.store, task('b')))).toMatchObject({ reason: 'ServiceUnavailable' })
      expect(t.store.writeState).toEqual({ open: false, reason: 'the store is closed' })
    })
  })
}
