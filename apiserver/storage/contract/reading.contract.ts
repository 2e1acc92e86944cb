import { describe, expect, it } from 'vitest'
import type { StoreUnderTest } from '../testing/store-under-test.js'
import { failureOf, lease, namesOf, put, remove, task } from '../testing/store-writes.js'

const tasks = { group: 'millrace.dev', resource: 'tasks' }

export function readingContract(t: StoreUnderTest): void {
  describe('reading', () => {
    it('lists by namespace, then name, in byte order', async () => {
      for (const path of ['a-b/x', 'a/y', 'a/x-1', 'a/x', 'a.b/x', 'a/x.1', 'ns-10/a', 'ns-1/b', 'ns-1/a']) await put(t.store, task(path))
      const sorted = ['a/x', 'a/x-1', 'a/x.1', 'a/y', 'a-b/x', 'a.b/x', 'ns-1/a', 'ns-1/b', 'ns-10/a']
      expect(namesOf(t.store.list(tasks).objects)).toEqual(sorted)
      const { revision } = t.store
      await put(t.store, lease('ns-1/z'))
      expect(namesOf((await t.store.listAt({ ...tasks, revision })).objects)).toEqual(sorted)
    })

    it('does not leak ns-10 into ns-1, nor one resource into another', async () => {
      await Promise.all([
        put(t.store, task('ns-1/a')),
        put(t.store, task('ns-10/a')),
        put(t.store, task('ns-1/b')),
        put(t.store, lease('ns-1/a')),
      ])
      const { revision } = t.store
      await remove(t.store, task('ns-1/b'))
      expect(namesOf(t.store.list({ ...tasks, namespace: 'ns-1' }).objects)).toEqual(['ns-1/a'])
      expect(namesOf((await t.store.listAt({ ...tasks, namespace: 'ns-1', revision })).objects)).toEqual(['ns-1/a', 'ns-1/b'])
      expect(t.store.count('millrace.dev', 'tasks')).toBe(2)
    })

    it('keeps lists in order while objects come and go between them', async () => {
      await Promise.all(['d', 'b', 'f'].map((path) => put(t.store, task(path))))
      expect(namesOf(t.store.list(tasks).objects)).toEqual(['default/b', 'default/d', 'default/f'])
      await Promise.all([
        put(t.store, task('c')),
        remove(t.store, task('d')),
        put(t.store, task('f'), { value: 2 }),
        put(t.store, task('a')),
      ])
      expect(namesOf(t.store.list(tasks).objects)).toEqual(['default/a', 'default/b', 'default/c', 'default/f'])
      await put(t.store, task('d'))
      expect(namesOf(t.store.list(tasks).objects)).toEqual(['default/a', 'default/b', 'default/c', 'default/d', 'default/f'])
    })

    it('finds objects by an indexed field, and by one that has no index', async () => {
      const on = (node: string) => ({ fields: { 'spec.nodeName': node, 'status.phase': 'Running' } })
      await Promise.all([
        put(t.store, task('a'), on('n1')),
        put(t.store, task('b'), on('n2')),
        put(t.store, task('ns-1/c'), on('n1')),
        put(t.store, task('d')),
      ])
      const onN1 = { ...tasks, indexed: { path: 'spec.nodeName', value: 'n1' } }
      expect(namesOf(t.store.list(onN1).objects)).toEqual(['default/a', 'ns-1/c'])
      const { revision } = t.store
      await Promise.all([put(t.store, task('a'), on('n2')), put(t.store, task('d'), on('n1')), remove(t.store, task('ns-1/c'))])
      expect(namesOf(t.store.list(onN1).objects)).toEqual(['default/d'])
      expect(namesOf((await t.store.listAt({ ...onN1, revision })).objects)).toEqual(['default/a', 'ns-1/c'])
      const running = { ...tasks, namespace: 'default', indexed: { path: 'status.phase', value: 'Running' } }
      expect(namesOf(t.store.list(running).objects)).toEqual(['default/a', 'default/b', 'default/d'])
      await t.reopen()
      expect(namesOf(t.store.list(onN1).objects)).toEqual(['default/d'])
    })

    it('finds what an object owns, across resources', async () => {
      await Promise.all([
        put(t.store, task('a'), { owners: ['u1'] }),
        put(t.store, lease('b'), { owners: ['u1', 'u2'] }),
        put(t.store, task('c')),
      ])
      expect(namesOf(t.store.ownedBy('u1'))).toEqual(['default/a', 'default/b'])
      await Promise.all([put(t.store, task('a')), put(t.store, task('c'), { owners: ['u2'] })])
      expect(namesOf(t.store.ownedBy('u1'))).toEqual(['default/b'])
      await t.reopen()
      expect(namesOf(t.store.ownedBy('u2')).sort()).toEqual(['default/b', 'default/c'])
    })

    it('lists as it was at each past revision', async () => {
      const states = [t.store.list(tasks)]
      for (const write of [
        () => put(t.store, task('a'), { value: 1 }),
        () => put(t.store, task('b')),
        () => put(t.store, task('a'), { value: 2 }),
        () => remove(t.store, task('b')),
        () => put(t.store, lease('elsewhere')),
        () => put(t.store, task('b'), { uid: 'again' }),
        () => remove(t.store, task('a')),
      ]) {
        await write()
        states.push(t.store.list(tasks))
      }
      for (const state of states) expect(await t.store.listAt({ ...tasks, revision: state.revision })).toEqual(state)
      await t.reopen()
      for (const state of states) expect(await t.store.listAt({ ...tasks, revision: state.revision })).toEqual(state)
    })

    it('goes on after a key of another namespace, now and in the past', async () => {
      await Promise.all(['ns-1/a', 'ns-1/b', 'ns-2/a'].map((path) => put(t.store, task(path))))
      const { revision } = t.store
      for (const moment of ['now', 'in the past']) {
        const namesAfter = async (namespace: string, name: string) =>
          namesOf((await t.store.listAt({ ...tasks, namespace: 'ns-1', revision, after: { namespace, name } })).objects)
        expect(await namesAfter('ns-0', 'z'), moment).toEqual(['ns-1/a', 'ns-1/b'])
        expect(await namesAfter('ns-1', 'a'), moment).toEqual(['ns-1/b'])
        expect(await namesAfter('ns-2', ''), moment).toEqual([])
        await put(t.store, task('ns-1/c'))
      }
    })

    it('pages through a past revision while the present moves on', async () => {
      const paths = Array.from({ length: 1203 }, (_, n) => `ns-${n % 7}/t${n}`)
      await Promise.all(paths.map((path) => put(t.store, task(path))))
      const { revision } = t.store
      const expected = namesOf(t.store.list(tasks).objects)
      const seen: string[] = []
      for (let after: { namespace: string; name: string } | undefined; ; ) {
        const page = await t.store.listAt({ ...tasks, revision, limit: 250, ...(after ? { after } : {}) })
        seen.push(...namesOf(page.objects))
        after = page.objects.at(-1)?.key
        if (page.objects.length < 250) break
        await Promise.all([remove(t.store, task(paths[seen.length] ?? '')), put(t.store, task(`ns-3/late${seen.length}`))])
      }
      expect(seen).toEqual(expected)
      expect(namesOf((await t.store.listAt({ ...tasks, revision })).objects)).toEqual(expected)
    })

    it('answers a revision that does not exist yet with ResourceVersionTooLarge', async () => {
      const failure = await failureOf(t.store.listAt({ ...tasks, revision: 99 }))
      expect(failure).toMatchObject({ reason: 'Timeout', details: { causes: [{ reason: 'ResourceVersionTooLarge' }] } })
    })
  })
}
