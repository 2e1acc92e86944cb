import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { t } from '../../lib/api/schema/t.js'
import { mergePatch } from './merge-patch.js'
import { strategicMerge } from './strategic-merge.js'

const schema = t.object({
  text: t.string().optional(),
  map: t.map(t.string()).optional(),
  inner: t.object({ a: t.string().optional(), b: t.string().optional() }).optional(),
  set: t.set(t.string()).optional(),
  atomic: t.list(t.object({ name: t.string(), value: t.string().optional() })).optional(),
  items: t.listMap(['name'], t.object({ name: t.string(), value: t.string().optional(), tags: t.set(t.string()).optional() })).optional(),
  ports: t.listMap(['port', 'protocol'], t.object({ port: t.integer(), protocol: t.string(), name: t.string().optional() })).optional(),
  served: t
    .listMap(['port', 'protocol'], t.object({ port: t.integer(), protocol: t.string(), name: t.string().optional() }))
    .with({ 'x-kubernetes-patch-merge-key': 'port' })
    .optional(),
}).json

const merge = (target: object, patch: object) => strategicMerge(schema, target, patch as Record<string, unknown>)
const items = (...names: string[]) => names.map((name) => ({ name }))

describe('strategic merge patch', () => {
  it.each([
    [
      'merges members and removes null',
      { text: 'a', inner: { a: '1', b: '2' } },
      { inner: { a: '3', b: null } },
      { text: 'a', inner: { a: '3' } },
    ],
    [
      'merges the items of a list map',
      { items: [{ name: 'x', value: '1' }, { name: 'y' }] },
      { items: [{ name: 'x', value: '2' }, { name: 'z' }] },
      { items: [{ name: 'x', value: '2' }, { name: 'y' }, { name: 'z' }] },
    ],
    [
      'tells items apart by all keys',
      { ports: [{ port: 1, protocol: 'TCP' }] },
      { ports: [{ port: 1, protocol: 'UDP', name: 'u' }] },
      {
        ports: [
          { port: 1, protocol: 'TCP' },
          { port: 1, protocol: 'UDP', name: 'u' },
        ],
      },
    ],
    [
      'finds an item by the one key of patches',
      {
        served: [
          { port: 1, protocol: 'TCP' },
          { port: 2, protocol: 'TCP' },
        ],
      },
      {
        served: [
          { port: 2, name: 'b' },
          { port: 3, protocol: 'TCP' },
        ],
        '$setElementOrder/served': [{ port: 3 }, { port: 2 }, { port: 1 }],
      },
      {
        served: [
          { port: 3, protocol: 'TCP' },
          { port: 2, protocol: 'TCP', name: 'b' },
          { port: 1, protocol: 'TCP' },
        ],
      },
    ],
    [
      'prefers the item with all keys, and changes the other keys of the first',
      {
        served: [
          { port: 1, protocol: 'TCP' },
          { port: 1, protocol: 'UDP' },
          { port: 2, protocol: 'TCP' },
        ],
      },
      {
        served: [
          { port: 1, protocol: 'UDP', name: 'u' },
          { port: 2, protocol: 'UDP' },
        ],
      },
      {
        served: [
          { port: 1, protocol: 'TCP' },
          { port: 1, protocol: 'UDP', name: 'u' },
          { port: 2, protocol: 'UDP' },
        ],
      },
    ],
    [
      'deletes an item by the one key of patches',
      {
        served: [
          { port: 1, protocol: 'TCP' },
          { port: 2, protocol: 'UDP' },
        ],
      },
      { served: [{ $patch: 'delete', port: 2 }] },
      { served: [{ port: 1, protocol: 'TCP' }] },
    ],
    ['replaces an atomic list', { atomic: items('a', 'b') }, { atomic: items('c') }, { atomic: items('c') }],
    ['unites a set', { set: ['a', 'b'] }, { set: ['b', 'c'] }, { set: ['a', 'b', 'c'] }],
    ['takes values out of a set', { set: ['a', 'b'] }, { '$deleteFromPrimitiveList/set': ['a'] }, { set: ['b'] }],
    ['takes out and puts in', { set: ['a', 'b'] }, { set: ['c'], '$deleteFromPrimitiveList/set': ['a'] }, { set: ['b', 'c'] }],
    ['deletes an item', { items: items('x', 'y') }, { items: [{ name: 'x', $patch: 'delete' }] }, { items: items('y') }],
    [
      'replaces an item',
      { items: [{ name: 'x', value: '1', tags: ['t'] }] },
      { items: [{ name: 'x', $patch: 'replace', tags: ['u'] }] },
      { items: [{ name: 'x', tags: ['u'] }] },
    ],
    ['replaces a list', { items: items('x', 'y') }, { items: [{ $patch: 'replace' }, { name: 'z' }] }, { items: items('z') }],
    ['empties an object', { inner: { a: '1' } }, { inner: { $patch: 'delete' } }, { inner: {} }],
    ['replaces an object', { inner: { a: '1' } }, { inner: { $patch: 'replace', b: '2' } }, { inner: { b: '2' } }],
    ['retains keys', { inner: { a: '1', b: '2' } }, { inner: { $retainKeys: ['b'], b: '3' } }, { inner: { b: '3' } }],
    [
      'leaves no directive in what is new',
      {},
      { inner: { $retainKeys: ['a'], a: '1', b: null }, items: [{ name: 'x', $patch: 'merge' }] },
      { inner: { a: '1' }, items: [{ name: 'x' }] },
    ],
    [
      'orders items',
      { items: items('a', 'b') },
      { items: items('c'), '$setElementOrder/items': items('c', 'b', 'a') },
      { items: items('c', 'b', 'a') },
    ],
    [
      'keeps the place of items that the order does not name',
      { items: items('mine', 'theirs', 'other') },
      { '$setElementOrder/items': items('other', 'mine'), items: [{ name: 'mine', value: '1' }] },
      { items: [{ name: 'theirs' }, { name: 'other' }, { name: 'mine', value: '1' }] },
    ],
    ['orders a set', { set: ['a', 'b'] }, { set: ['c'], '$setElementOrder/set': ['b', 'c', 'a'] }, { set: ['b', 'c', 'a'] }],
  ])('%s', (_what, target, patch, expected) => {
    expect(merge(target, patch)).toEqual(expected)
  })

  it.each([
    ['an unknown directive', { inner: { $patch: 'explode' } }],
    ['an unknown key with a dollar', { $what: 1 }],
    ['an order that is no list', { '$setElementOrder/items': 'a' }],
    ['keys to retain that are no list', { inner: { $retainKeys: 'a' } }],
    ['a key that reaches a prototype', JSON.parse('{"inner":{"__proto__":{"x":1}}}')],
    ['the same key behind a directive', { '$deleteFromPrimitiveList/__proto__': [] }],
  ])('refuses %s', (_what, patch) => {
    expect(() => merge({ inner: { a: '1' } }, patch)).toThrow(expect.objectContaining({ code: 400 }))
  })

  const name = fc.constantFrom('a', 'b', 'c')
  const item = fc.record({ name, value: fc.string() }, { requiredKeys: ['name'] })
  const object = fc.record(
    {
      text: fc.string(),
      inner: fc.record({ a: fc.string(), b: fc.string() }, { requiredKeys: [] }),
      set: fc.uniqueArray(name),
      atomic: fc.array(item),
      items: fc.uniqueArray(item, { selector: (entry) => entry.name }),
    },
    { requiredKeys: [] },
  )

  it('applied twice gives what applied once gives, and changes neither argument', () => {
    fc.assert(
      fc.property(object, object, (target, patch) => {
        const before = JSON.stringify([target, patch])
        const once = merge(target, patch)
        expect(merge(once, patch)).toEqual(once)
        expect(JSON.stringify([target, patch])).toBe(before)
      }),
    )
  })

  it('is a merge patch where no list is involved', () => {
    const plain = fc.record({ text: fc.option(fc.string()), inner: fc.option(fc.record({ a: fc.option(fc.string()), b: fc.string() })) })
    fc.assert(
      fc.property(plain, plain, (target, patch) => {
        expect(merge(target, patch)).toEqual(mergePatch(target, patch))
      }),
    )
  })
})
