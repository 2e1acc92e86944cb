import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonSchema } from '../schema/json-schema.js'
import { printElements } from './field-element.js'
import { comparedSet, differenceOf, type FieldSet, intersectionWith, pathsOf, unionOf, unionOfAll } from './field-set.js'
import { everyField, fieldsOf } from './fields-of.js'

const path = fc.array(fc.constantFrom('f:a', 'f:b', 'k:{"n":1}', 'v:"x"'), { minLength: 1, maxLength: 3 })
const somePaths = fc.array(path, { maxLength: 6 })

/** The set of these paths, made one path at a time. */
function setOf(paths: readonly (readonly string[])[]): FieldSet {
  const one = (elements: readonly string[]): FieldSet => {
    const [first, ...rest] = elements
    return first === undefined ? {} : { [first]: one(rest) }
  }
  return paths.map(one).reduce(unionOf, {})
}
const texts = (set: FieldSet) => pathsOf(set).map((elements) => elements.join(' '))
const sorted = (lines: Iterable<string>) => [...new Set(lines)].sort()

describe('field sets', () => {
  it('behave as sets of paths', () => {
    fc.assert(
      fc.property(somePaths, somePaths, (left, right) => {
        const [mine, theirs] = [left, right].map((paths) => new Set(paths.map((elements) => elements.join(' '))))
        const [a, b] = [setOf(left), setOf(right)]
        expect(sorted(texts(a))).toEqual(sorted(mine ?? []))
        expect(sorted(texts(unionOf(a, b)))).toEqual(sorted([...(mine ?? []), ...(theirs ?? [])]))
        expect(sorted(texts(differenceOf(a, b)))).toEqual(sorted([...(mine ?? [])].filter((line) => !theirs?.has(line))))
        expect(sorted(texts(intersectionWith(a, comparedSet(b))))).toEqual(sorted([...(mine ?? [])].filter((line) => theirs?.has(line))))
      }),
    )
  })

  it('are joined in whatever number', () => {
    fc.assert(
      fc.property(fc.array(somePaths, { maxLength: 5 }), (many) => {
        expect(unionOfAll(many.map(setOf))).toEqual(many.map(setOf).reduce((left, right) => unionOf(left, right), {}))
      }),
    )
  })

  it('have one form: a field alone is an empty object, a field with others in it has a dot', () => {
    expect(setOf([['f:a'], ['f:a', 'f:b']])).toEqual({ 'f:a': { '.': {}, 'f:b': {} } })
    expect(differenceOf(setOf([['f:a'], ['f:a', 'f:b']]), setOf([['f:a', 'f:b']]))).toEqual({ 'f:a': {} })
    expect(differenceOf(setOf([['f:a'], ['f:a', 'f:b']]), setOf([['f:a']]))).toEqual({ 'f:a': { 'f:b': {} } })
  })
})

const schema: JsonSchema = {
  type: 'object',
  properties: {
    atomic: { type: 'array', items: { type: 'string' } },
    one: { type: 'object', additionalProperties: { type: 'string' }, 'x-kubernetes-map-type': 'atomic' },
    map: { type: 'object', additionalProperties: { type: 'object', properties: { x: { type: 'integer' } } } },
    set: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
    ports: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['protocol', 'port'],
      items: { type: 'object', properties: { port: { type: 'integer' }, protocol: { type: 'string', default: 'TCP' } } },
    },
    unknown: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  },
}

describe('the fields of a configuration', () => {
  it.each<[string, object, string[]]>([
    ['an atomic list is one field', { atomic: ['a'] }, ['.atomic']],
    ['so is an atomic map', { one: { a: 'b' } }, ['.one']],
    ['keys of a map are fields, and so is what is in them', { map: { a: { x: 1 } } }, ['.map.a', '.map.a.x']],
    ['items of a set are named by their value', { set: ['a'] }, ['.set[="a"]']],
    [
      'items of a list map by their keys in order, defaults included',
      { ports: [{ port: 80 }] },
      ['.ports[port=80,protocol="TCP"]', '.ports[port=80,protocol="TCP"].port'],
    ],
    ['what is empty or null is one field', { map: {}, set: [], unknown: null }, ['.map', '.set', '.unknown']],
    ['where nothing is known, objects have members and lists are one', { unknown: { a: { b: [1] } } }, ['.unknown.a', '.unknown.a.b']],
    ['a value of a wrong type is one field', { ports: 'none', set: { a: 1 } }, ['.ports', '.set.a']],
  ])('%s', (_what, value, expected) => {
    expect(pathsOf(fieldsOf(schema, value)).map(printElements)).toEqual(expected)
  })

  it('and all that comes into being with it are those and what leads to them', () => {
    const value = { map: { a: { x: 1 } }, set: ['a'], atomic: [] }
    expect(pathsOf(everyField(schema, value)).map(printElements)).toEqual([
      '',
      '.atomic',
      '.map',
      '.map.a',
      '.map.a.x',
      '.set',
      '.set[="a"]',
    ])
  })
})
