/**
 * Definitions, and objects of them, that are made to hold the server up: each
 * is answered, and what would take too long is refused in words.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'
import { aDefinition, aWidget, definitions, widgets } from './fixtures/definitions.js'
import { type Json, send } from './fixtures/requests.js'

let cluster: TestCluster
beforeAll(async () => {
  cluster = await testCluster()
})
afterAll(() => cluster.close())

const text = { type: 'string' }
const object = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more })
const many = (count: number, value: (index: number) => object) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, value(index)]))
const items = (count: number, item: (index: number) => unknown) => Array.from({ length: count }, (_, index) => item(index))
const listOf = (item: object) => object({ list: { type: 'array', items: item } })

/** Defines Widgets whose spec has the schema, tries an object, and removes the definition. */
async function tryOut(spec: object, value?: object, version: object = {}): Promise<{ defined: number; made?: number; said: string }> {
  const schema = { openAPIV3Schema: object({ spec }) }
  const { code: defined, json } = await send(cluster, 'POST', definitions, { body: aDefinition({ schema, ...version }) })
  if (defined !== 201) return { defined, said: json.message }
  try {
    if (value === undefined) return { defined, said: '' }
    const answer = await send(cluster, 'POST', widgets, { body: { ...aWidget('a'), spec: value } })
    return { defined, made: answer.code, said: answer.code === 201 ? '' : (answer.json as Json).message }
  } finally {
    await send(cluster, 'DELETE', widgets)
    const path = `${definitions}/widgets.example.com`
    await send(cluster, 'DELETE', path)
    await send(cluster, 'PATCH', path, { body: { metadata: { finalizers: null } } })
  }
}

const nested = (depth: number): object => (depth === 0 ? text : object({ a: nested(depth - 1) }))
const rules = (count: number, rule: string) => ({ 'x-kubernetes-validations': items(count, () => ({ rule })) })

describe('a definition', () => {
  it.each<[string, object, object | undefined, object]>([
    ['with 9,900 fields', object(many(9_900, () => text)), { f7: 'x' }, { defined: 201, made: 201 }],
    [
      'with 1 MB of text',
      object(many(1_000, () => ({ ...text, description: 'x'.repeat(1_000) }))),
      { f7: 'x' },
      { defined: 201, made: 201 },
    ],
    ['that is deep', nested(26), undefined, { defined: 201 }],
    ['with 250 rules', object({ a: text }, rules(250, 'self.a != "b"')), { a: 'a' }, { defined: 201, made: 201 }],
  ])('%s is taken', async (_name, spec, value, expected) => expect(await tryOut(spec, value)).toMatchObject(expected))

  it.each<[string, object, string]>([
    ['with more than 10,000 schemas', object(many(10_001, () => text)), 'must have at most 10000 schemas'],
    ['with more than 250 rules', object({ a: text }, rules(251, 'true')), 'the definition has too many rules'],
    [
      'with patterns that grow',
      object(many(500, () => ({ ...text, pattern: '.{1000}' }))),
      'too large once its repetitions are written out',
    ],
    [
      'with many embedded resources',
      object(many(101, () => ({ type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true }))),
      'at most 100 embedded resources',
    ],
    [
      'with defaults that are costly to check',
      object(many(50, () => ({ ...text, pattern: '^(x|xx)*$', default: 'x'.repeat(9_000) }))),
      'takes too long',
    ],
  ])('%s is refused', async (_name, spec, why) => {
    const { defined, said } = await tryOut(spec)
    expect([defined, said]).toEqual([422, expect.stringContaining(why)])
  })

  it('that is deeper than any body may be is refused', async () => {
    expect(await tryOut(nested(40))).toEqual({ defined: 400, said: 'the body nests deeper than 64 levels' })
  })
})

describe('an object', () => {
  const isList = { type: 'array', items: { type: 'integer' } }
  it.each<[string, object, object, number, string]>([
    ['whose pattern would backtrack', object({ a: { ...text, pattern: '^(a+)+$' } }), { a: `${'a'.repeat(10_000)}b` }, 422, 'should match'],
    [
      'whose pattern takes too many steps',
      object({ a: { ...text, pattern: '(x|y|.*){0,300}z' } }),
      { a: 'x'.repeat(100_000) },
      422,
      'takes too long',
    ],
    [
      'whose values are looked up in long enums',
      listOf({ ...text, enum: items(20_000, (index) => `e${index}`) }),
      { list: items(5_000, () => 'e0') },
      422,
      'takes too long',
    ],
    [
      'whose items lack many fields',
      listOf({ type: 'object', required: items(20_000, (index) => `r${index}`) }),
      { list: items(5_000, () => ({})) },
      422,
      'Required value',
    ],
    [
      'whose defaults multiply',
      listOf(object(many(500, () => ({ ...text, default: 'x' })))),
      { list: items(5_000, () => ({})) },
      413,
      'with its defaults the object would have more than 100000',
    ],
    [
      'whose logic branches',
      listOf({ type: 'object', anyOf: items(2_000, (index) => ({ required: [`r${index}`] })) }),
      { list: items(5_000, () => ({})) },
      422,
      'anyOf',
    ],
    [
      'whose rules loop in loops',
      object({ list: isList }, rules(1, 'self.list.all(x, self.list.all(y, x + y >= 0))')),
      { list: items(5_000, (index) => index) },
      422,
      'the rule costs too much',
    ],
  ])('%s is refused', async (_name, spec, value, code, why) => {
    const { made, said } = await tryOut(spec, value)
    expect([made, said]).toEqual([code, expect.stringContaining(why)])
  })
})
