import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergePatchBetween } from './merge-patch-between.js'

/** RFC 7386, as the RFC writes it. */
function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const result: Record<string, unknown> = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else result[key] = applyMergePatch(result[key], value)
  }
  return result
}

describe('the merge patch between two objects', () => {
  it.each([
    [{ a: 1 }, { a: 1 }, undefined],
    [{ a: 1 }, { a: 2 }, { a: 2 }],
    [{ a: 1 }, {}, { a: null }],
    [{ a: 1 }, { a: undefined }, { a: null }],
    [{ a: { b: 1, c: 2 } }, { a: { b: 1, c: 3 } }, { a: { c: 3 } }],
    [{ a: [1, 2] }, { a: [1, 2] }, undefined],
    [{ a: [1, 2] }, { a: [2] }, { a: [2] }],
    [{}, { a: { b: {} } }, { a: { b: {} } }],
  ])('%j → %j is %j', (before, after, patch) => {
    expect(mergePatchBetween(before, after)).toEqual(patch)
  })

  it('turns the one into the other, whatever they are', () => {
    const key = fc.constantFrom('a', 'b', 'c')
    const { tree } = fc.letrec((tie) => ({
      tree: fc.dictionary(
        key,
        fc.oneof(fc.integer({ min: 0, max: 3 }), fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 2 }), tie('tree')),
      ),
    }))
    fc.assert(
      fc.property(tree, tree, (before, after) => {
        const patch = mergePatchBetween(before as object, after as object)
        expect(patch === undefined ? before : applyMergePatch(before, patch)).toEqual(after)
      }),
    )
  })
})
