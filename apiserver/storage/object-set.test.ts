import { describe, expect, it } from 'vitest'
import { compareText, ObjectSet } from './object-set.js'
import type { StoredObject } from './store.js'
import { draftOf, task } from './testing/store-writes.js'

const object = (name: string): StoredObject => ({ ...draftOf(task(name)), key: task(name), revision: 2, createRevision: 2 })

const namesOf = (set: ObjectSet, after?: string, limit?: number) => {
  const found: StoredObject[] = []
  set.collect(found, after, limit)
  return found.map(({ key }) => key.name)
}

describe('an object set', () => {
  it('pages in name order, over what was added and deleted since the last page', () => {
    const set = new ObjectSet()
    for (const name of ['d', 'a', 'c', 'e', 'b']) set.put(object(name))
    expect(namesOf(set, undefined, 2)).toEqual(['a', 'b'])
    for (const name of ['a', 'b', 'c']) set.delete(name)
    expect(namesOf(set, 'b')).toEqual(['d', 'e'])
    set.put(object('b'))
    set.put(object('bb'))
    expect(namesOf(set, 'b', 2)).toEqual(['bb', 'd'])
    expect(set.size).toBe(4)
  })

  it('does not hold on to what comes and goes without ever being listed', () => {
    const set = new ObjectSet()
    for (let n = 0; n < 10_000; n++) {
      set.put(object(`o${n}`))
      set.delete(`o${n}`)
    }
    const held = [...Object.values(set)].filter((part) => Array.isArray(part)).reduce((sum, part) => sum + part.length, 0)
    expect(held).toBeLessThan(2000)
  })
})

describe('the order of names', () => {
  it('is that of their UTF-8 bytes, beyond the basic plane too', () => {
    const names = ['', 'a', 'a-b', 'a.b', 'a0', 'aa', 'é', '\uffee', '𝄞', '😀', 'a\u{10000}', 'a\uff00']
    const byBytes = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    expect([...names].sort(compareText)).toEqual(byBytes)
  })
})
