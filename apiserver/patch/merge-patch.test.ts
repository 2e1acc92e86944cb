import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergePatch } from './merge-patch.js'

/** The others are refused, which a test of its own shows. */
const hasSafeKeys = (value: unknown) => !/"(__proto__|constructor|prototype)":/.test(JSON.stringify(value))

describe('merge patch', () => {
  // The examples of RFC 7386, appendix A.
  it.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j with %j gives %j', (target, patch, expected) => {
    expect(mergePatch(target, patch)).toEqual(expected)
  })

  it('applied twice gives what applied once gives, and changes neither argument', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue().filter(hasSafeKeys), (target, patch) => {
        const [targetText, patchText] = [JSON.stringify(target), JSON.stringify(patch)]
        const once = mergePatch(target, patch)
        expect(mergePatch(once, patch)).toEqual(once)
        expect([JSON.stringify(target), JSON.stringify(patch)]).toEqual([targetText, patchText])
      }),
    )
  })

  it('refuses keys that reach a prototype', () => {
    for (const text of ['{"__proto__":{"x":1}}', '{"a":{"constructor":{"prototype":{"x":1}}}}'])
      expect(() => mergePatch({ a: {} }, JSON.parse(text))).toThrow(expect.objectContaining({ code: 400 }))
    expect(({} as Record<string, unknown>).x).toBeUndefined()
  })

  it('keeps inherited names as plain members', () => {
    expect(mergePatch({}, { toString: { a: 1 } })).toEqual({ toString: { a: 1 } })
  })
})
