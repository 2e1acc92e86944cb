import { describe, expect, it } from 'vitest'
import type { JsonSchema } from '../../../lib/api/schema/json-schema.js'
import { mergeValues } from './merge-values.js'

const set: JsonSchema = { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } }
const atomicMap: JsonSchema = { type: 'object', 'x-kubernetes-map-type': 'atomic', additionalProperties: { type: 'string' } }
const map: JsonSchema = { type: 'object', additionalProperties: { type: 'string', nullable: true } }

describe('merging what is applied into what is there', () => {
  it.each<[string, JsonSchema | undefined, unknown, unknown, unknown]>([
    ['puts items in the applied order', set, ['a', 'b', 'c'], ['c', 'a', 'b'], ['c', 'a', 'b']],
    ['keeps the place of items that are not applied', set, ['x', 'a', 'y', 'b', 'z'], ['a', 'b'], ['x', 'a', 'y', 'b', 'z']],
    ['adds new items behind those that are there', set, ['a', 'x'], ['a', 'n'], ['a', 'x', 'n']],
    ['merges members', map, { a: '1', b: '1' }, { b: '2', c: '2' }, { a: '1', b: '2', c: '2' }],
    ['replaces an atomic map', atomicMap, { a: '1' }, { b: '2' }, { b: '2' }],
    ['replaces a list of which nothing is known', undefined, [1, 2], [3], [3]],
    ['merges objects of which nothing is known', undefined, { a: { b: 1 } }, { a: { c: 2 } }, { a: { b: 1, c: 2 } }],
    ['replaces a value of another type', map, 'text', { a: '1' }, { a: '1' }],
    ['takes nothing away by null', map, { a: '1' }, null, { a: '1' }],
    ['writes null over a scalar', map, { a: '1' }, { a: null }, { a: null }],
  ])('%s', (_what, schema, live, applied, expected) => {
    expect(mergeValues(schema, live, applied)).toEqual(expected)
  })
})
