import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyJsonPatch, maxOperations, PatchRefused, parseJsonPatch } from './json-patch.js'

const apply = (document: unknown, patch: unknown) => applyJsonPatch(structuredClone(document), parseJsonPatch(patch))

describe('JSON patch', () => {
  it.each([
    ['adds a member', { a: 1 }, [{ op: 'add', path: '/b', value: [2] }], { a: 1, b: [2] }],
    ['adds into a list', { a: [1, 3] }, [{ op: 'add', path: '/a/1', value: 2 }], { a: [1, 2, 3] }],
    ['appends', { a: [1] }, [{ op: 'add', path: '/a/-', value: 2 }], { a: [1, 2] }],
    ['replaces the document', { a: 1 }, [{ op: 'add', path: '', value: { b: 2 } }], { b: 2 }],
    ['removes from a list', { a: [1, 2, 3] }, [{ op: 'remove', path: '/a/1' }], { a: [1, 3] }],
    ['replaces', { a: { b: 1 } }, [{ op: 'replace', path: '/a/b', value: null }], { a: { b: null } }],
    ['moves', { a: 1 }, [{ op: 'move', from: '/a', path: '/b' }], { b: 1 }],
    [
      'copies',
      { a: [1] },
      [
        { op: 'copy', from: '/a', path: '/b' },
        { op: 'add', path: '/b/-', value: 2 },
      ],
      { a: [1], b: [1, 2] },
    ],
    ['reads ~0 and ~1', { 'a/b': { 'c~d': 1 } }, [{ op: 'replace', path: '/a~1b/c~0d', value: 2 }], { 'a/b': { 'c~d': 2 } }],
    ['tests by value, not by order', { a: { x: 1, y: 2 } }, [{ op: 'test', path: '/a', value: { y: 2, x: 1 } }], { a: { x: 1, y: 2 } }],
    ['keeps long integers', { a: 2n ** 60n }, [{ op: 'copy', from: '/a', path: '/b' }], { a: 2n ** 60n, b: 2n ** 60n }],
  ])('%s', (_what, document, patch, expected) => {
    expect(apply(document, patch)).toEqual(expected)
  })

  it.each([
    ['a failed test', [{ op: 'test', path: '/a', value: 2 }]],
    ['a missing member', [{ op: 'remove', path: '/x' }]],
    ['a missing parent', [{ op: 'add', path: '/x/y', value: 1 }]],
    ['a replacement of nothing', [{ op: 'replace', path: '/x', value: 1 }]],
    ['an index beyond the end', [{ op: 'add', path: '/l/3', value: 1 }]],
    ['an index with a leading zero', [{ op: 'remove', path: '/l/00' }]],
    ['a member of a number', [{ op: 'add', path: '/a/b', value: 1 }]],
    ['a move into itself', [{ op: 'move', from: '/o', path: '/o/p' }]],
    ['removing the document', [{ op: 'remove', path: '' }]],
    ['an inherited member', [{ op: 'test', path: '/toString', value: 1 }]],
  ])('refuses %s', (_what, patch) => {
    expect(() => apply({ a: 1, l: [1], o: {} }, patch)).toThrow(PatchRefused)
  })

  it.each([
    ['no list', {}, 400],
    ['an unknown operation', [{ op: 'increment', path: '/a' }], 400],
    ['a path that is no pointer', [{ op: 'remove', path: 'a' }], 400],
    ['no value', [{ op: 'add', path: '/a' }], 400],
    ['no source', [{ op: 'move', path: '/a' }], 400],
    ['nothing at all', [null], 400],
    ['a path to a prototype', [{ op: 'add', path: '/__proto__/a', value: 1 }], 400],
    ['a source in a prototype', [{ op: 'copy', from: '/constructor/prototype', path: '/a' }], 400],
    ['a path of a million parts', [{ op: 'remove', path: '/a'.repeat(1_000_000) }], 400],
    ['too many operations', Array(maxOperations + 1).fill({ op: 'test', path: '/a', value: 1 }), 413],
  ])('refuses %s before it looks at the document', (_what, patch, code) => {
    expect(() => parseJsonPatch(patch)).toThrow(expect.objectContaining({ code }))
  })

  it('bounds what copies, insertions and depth may cost', () => {
    const doubling = [...Array(30).keys()].map((index) => ({ op: 'copy', from: '', path: `/${index}` }))
    const bombs = [
      doubling,
      Array(maxOperations).fill({ op: 'add', path: '/l/0', value: 1 }),
      Array(70).fill({ op: 'copy', from: '', path: '/a' }),
    ]
    for (const bomb of bombs) expect(() => apply({ a: [1, 2, 3], l: [] }, bomb)).toThrow(expect.objectContaining({ name: 'ApiError' }))
  })

  it('gives a copy of its own to every place', () => {
    const value = { x: [1] }
    const result = applyJsonPatch(
      {},
      parseJsonPatch([
        { op: 'add', path: '/a', value },
        { op: 'add', path: '/a/x/-', value: 2 },
      ]),
    )
    expect(result).toEqual({ a: { x: [1, 2] } })
    expect(value).toEqual({ x: [1] })
  })

  it('copies no more than a body may hold', () => {
    const wide = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`k${index}`, 'v']))
    const copies = (count: number) => Array.from({ length: count }, (_, index) => ({ op: 'copy', from: '/wide', path: `/c${index}` }))
    expect(Object.keys(apply({ wide }, copies(400)) as object)).toHaveLength(401)
    expect(() => apply({ wide }, copies(600))).toThrow(expect.objectContaining({ code: 413 }))
  })

  it('takes a text as large as an object may be', () => {
    const text = 'x'.repeat(1_400_000)
    const patch = [
      { op: 'test', path: '/a', value: text },
      { op: 'replace', path: '/a', value: `${text}y` },
      { op: 'copy', from: '/a', path: '/b' },
    ]
    expect(apply({ a: text }, patch)).toEqual({ a: `${text}y`, b: `${text}y` })
  })

  it('never reaches a prototype, whatever the operations', () => {
    const pointer = fc.array(fc.constantFrom('a', 'b', '0', '-', '__proto__', 'constructor', 'prototype'), { maxLength: 4 })
    const path = pointer.map((parts) => parts.map((part) => `/${part}`).join(''))
    const operation = fc.record({
      op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test'),
      path,
      from: path,
      value: fc.jsonValue(),
    })
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(operation, { maxLength: 8 }), (document, patch) => {
        try {
          apply(document, patch)
        } catch {
          // Refusals are welcome; what counts is what is left behind.
        }
        expect(Object.keys(Object.prototype)).toEqual([])
        expect(({} as Record<string, unknown>).a).toBeUndefined()
      }),
    )
  })
})
