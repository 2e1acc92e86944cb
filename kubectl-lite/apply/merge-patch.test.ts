import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sameValue } from '../../lib/api/json/same-value.js'
import { applyMerge, diffMerge, threeWayMerge } from './merge-patch.js'

type Members = Record<string, unknown>

/** Manifests hold no null: kubectl drops them too. */
const { value } = fc.letrec<{ value: unknown; map: Members }>((tie) => ({
  map: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tie('value'), { maxKeys: 4, noNullPrototype: true }),
  value: fc.oneof({ maxDepth: 3 }, fc.integer({ min: 0, max: 3 }), fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 2 }), tie('map')),
}))
const map = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), value, { maxKeys: 4, noNullPrototype: true })

describe('diffMerge', () => {
  it('leads from one value to the other', () => {
    fc.assert(fc.property(map, map, (from, to) => sameValue(applyMerge(from, diffMerge(from, to)), to)))
  })

  it('is empty when nothing differs', () => {
    fc.assert(fc.property(map, (same) => Object.keys(diffMerge(same, structuredClone(same))).length === 0))
  })
})

describe('threeWayMerge', () => {
  it.each<[string, Members | undefined, Members, Members, Members]>([
    ['adds a field', {}, { spec: { a: 1 } }, { spec: {} }, { spec: { a: 1 } }],
    ['changes a field', { spec: { a: 1 } }, { spec: { a: 2 } }, { spec: { a: 1 } }, { spec: { a: 2 } }],
    ['removes what the last manifest had', { spec: { a: 1, b: 1 } }, { spec: { a: 1 } }, { spec: { a: 1, b: 1 } }, { spec: { b: null } }],
    ['keeps what others set', { spec: { a: 1 } }, { spec: { a: 1 } }, { spec: { a: 1, other: 5 }, status: { x: 1 } }, {}],
    ['removes nothing that is gone already', { spec: { a: 1, b: 1 } }, { spec: { a: 1 } }, { spec: { a: 1 } }, {}],
    ['takes back what somebody changed', { spec: { a: 1 } }, { spec: { a: 1 } }, { spec: { a: 9 } }, { spec: { a: 1 } }],
    ['removes nothing without a last manifest', undefined, { spec: { a: 1 } }, { spec: { a: 1, b: 2 } }, {}],
    ['replaces lists as a whole', { spec: { l: [1, 2] } }, { spec: { l: [1] } }, { spec: { l: [1, 2, 3] } }, { spec: { l: [1] } }],
    ['keeps an empty map that is new', {}, { spec: { emptyDir: {} } }, { spec: {} }, { spec: { emptyDir: {} } }],
  ])('%s', (_name, last, manifest, live, patch) => {
    expect(threeWayMerge(last, manifest, live)).toEqual(patch)
  })

  it('makes the manifest true and leaves what neither manifest named', () => {
    fc.assert(
      fc.property(map, map, map, (last, manifest, live) => {
        const result = applyMerge(live, threeWayMerge(last, manifest, live)) as Members
        expect(Object.keys(diffAdditions(result, manifest))).toEqual([])
        for (const key of Object.keys(live)) if (!(key in last) && !(key in manifest)) expect(result[key]).toEqual(live[key])
        for (const key of Object.keys(last)) if (!(key in manifest)) expect(key in result).toBe(false)
      }),
    )
  })

  it('has nothing to do the second time', () => {
    fc.assert(
      fc.property(map, map, map, (last, manifest, live) => {
        const once = applyMerge(live, threeWayMerge(last, manifest, live)) as Members
        expect(threeWayMerge(manifest, manifest, once)).toEqual({})
      }),
    )
  })
})

/** What `have` lacks of `want`. */
function diffAdditions(have: Members, want: Members): Members {
  const missing: Members = {}
  for (const [key, wanted] of Object.entries(diffMerge(have, want))) {
    if (wanted === null) continue
    if (typeof wanted === 'object' && !Array.isArray(wanted)) {
      const inner = diffAdditions((have[key] ?? {}) as Members, wanted as Members)
      if (Object.keys(inner).length > 0 || !(key in have)) missing[key] = inner
    } else missing[key] = wanted
  }
  return missing
}
