import { Ajv } from 'ajv'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { builtinKinds } from '../kinds/index.js'
import type { JsonSchema } from '../schema/json-schema.js'
import { t } from '../schema/t.js'
import { explainFailure } from './explain-failure.js'
import { createSchemaValidator } from './schema-validator.js'
import { shapeValue } from './shape-value.js'
import { suggestName } from './suggest-name.js'
import { validateMetadata } from './validate-metadata.js'

const spec = t.object({
  text: t.string().with({ minLength: 1, maxLength: 3, pattern: '^[a-z]*$' }).optional(),
  mode: t.oneOf('Fast', 'Slow').default('Fast'),
  tries: t.integer().with({ minimum: 0, maximum: 5 }).default(3),
  long: t.integer().optional(),
  rate: t.number().optional(),
  on: t.boolean().optional(),
  when: t.time().optional(),
  maybe: t.time().with({ nullable: true }).optional(),
  blob: t.bytes().optional(),
  amount: t.quantity().optional(),
  port: t.intOrString().optional(),
  labels: t.map(t.string()).optional(),
  list: t.list(t.integer()).with({ minItems: 1, maxItems: 2 }).optional(),
  set: t.set(t.string()).optional(),
  env: t.listMap(['name'], t.object({ name: t.string(), value: t.string().optional(), kind: t.string().default('plain') })).optional(),
  free: t.anything().optional(),
})
const schema: JsonSchema = t.object({ spec }).json
const validate = createSchemaValidator(schema)
const causesOf = (value: object) =>
  validate({ spec: { mode: 'Fast', tries: 1, ...value } }).map(({ field, message }) => `${field}: ${message}`)

describe('validation', () => {
  it.each([
    [{ tries: 'x' }, 'spec.tries: Invalid value: "string": spec.tries in body must be of type integer: "string"'],
    [{ tries: 1.5 }, 'spec.tries: Invalid value: "number": spec.tries in body must be of type integer: "number"'],
    [{ tries: -1 }, 'spec.tries: Invalid value: -1: spec.tries in body should be greater than or equal to 0'],
    [{ tries: 6 }, 'spec.tries: Invalid value: 6: spec.tries in body should be less than or equal to 5'],
    [{ mode: 'Medium' }, 'spec.mode: Unsupported value: "Medium": supported values: "Fast", "Slow"'],
    [{ text: '' }, 'spec.text: Invalid value: "": spec.text in body should be at least 1 chars long'],
    [{ text: 'abcd' }, 'spec.text: Too long: may not be more than 3 characters'],
    [{ text: 'A' }, 'spec.text: Invalid value: "A": spec.text in body should match \'^[a-z]*$\''],
    [{ on: 'yes' }, 'spec.on: Invalid value: "string": spec.on in body must be of type boolean: "string"'],
    [{ when: 'noon' }, 'spec.when: Invalid value: "noon": spec.when in body must be of type date-time'],
    [{ when: '2026-02-30T00:00:00Z' }, 'spec.when: Invalid value: "2026-02-30T00:00:00Z": spec.when in body must be of type date-time'],
    [{ blob: 'a' }, 'spec.blob: Invalid value: "a": spec.blob in body must be of type byte'],
    [{ amount: 'lots' }, 'spec.amount: Invalid value: "lots": must be a quantity that is not negative, for example 500m, 1.5 or 2Gi'],
    [{ amount: -1 }, 'spec.amount: Invalid value: -1: must be a quantity that is not negative, for example 500m, 1.5 or 2Gi'],
    [{ port: 1.5 }, 'spec.port: Invalid value: "number": spec.port in body must be of type integer or string: "number"'],
    [{ labels: { a: 1 } }, 'spec.labels.a: Invalid value: "integer": spec.labels.a in body must be of type string: "integer"'],
    [{ list: [] }, 'spec.list: Invalid value: 0: spec.list in body should have at least 1 items'],
    [{ list: [1, 2, 3] }, 'spec.list: Too many: 3: must have at most 2 items'],
    [{ set: ['a', 'b', 'a'] }, 'spec.set[2]: Duplicate value: "a"'],
    [
      {
        env: [
          { name: 'a', kind: '' },
          { name: 'a', kind: '' },
        ],
      },
      'spec.env[1]: Duplicate value: {"name":"a"}',
    ],
    [{ env: [{ kind: '' }] }, 'spec.env[0].name: Required value'],
    [{ long: 2n ** 63n }, 'spec.long: Invalid value: 9223372036854775808: spec.long in body must be of type int64'],
    [{ tries: 2n ** 60n }, 'spec.tries: Invalid value: 1152921504606846976: spec.tries in body should be less than or equal to 5'],
  ])('of %o says why', (value, expected) => {
    expect(causesOf(value)).toEqual([expected])
  })

  it.each([
    [{ long: 2n ** 63n - 1n, rate: 2n ** 60n }],
    [{ amount: '1.5Gi' }, { amount: 0.5 }],
    [{ port: 'http' }, { port: 80 }],
    [{ when: '2026-01-01T00:00:00.123456Z', maybe: null }],
    [{ when: '2026-01-01t10:00:00+02:00' }],
    [{ free: { anything: [1, 'x', { y: 2n ** 60n }] } }],
  ])('takes %o', (...values) => {
    for (const value of values) expect(causesOf(value)).toEqual([])
  })

  it('names at most 20 causes, and finds duplicates among many items in linear time', () => {
    expect(causesOf({ list: Array(100_000).fill('x') })).toHaveLength(20)
    const many = Array.from({ length: 100_000 }, (_, index) => String(index))
    expect(causesOf({ set: many })).toEqual([])
    expect(causesOf({ set: [...many, '7'] })).toEqual(['spec.set[100000]: Duplicate value: "7"'])
  })

  it('refuses exactly what it can explain', () => {
    const odd = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom('Fast', 'abc', '1Gi', 'MQ==', '2026-01-01T00:00:00Z', 2n ** 62n, 2n ** 64n),
      fc.array(fc.constantFrom('a', 'b')),
    )
    const fields = Object.keys(spec.json.properties ?? {})
    const object = fc.record(Object.fromEntries(fields.map((field) => [field, odd])), { requiredKeys: [] })
    fc.assert(
      fc.property(object, (value) => {
        const causes = validate({ spec: value })
        const explained = explainFailure(schema, { spec: value })
        expect(causes.map((cause) => cause.message)).toEqual(explained.map((cause) => cause.message))
      }),
      { numRuns: 500 },
    )
  })

  it.each(builtinKinds.map((kind) => [kind.kind, kind] as const))('of the kind %s compiles', (_name, kind) => {
    expect(createSchemaValidator(kind.schema)({ metadata: {} }).every((cause) => cause.reason === 'FieldValueRequired')).toBe(true)
    expect(new Ajv().validateSchema(kind.schema)).toBe(true)
  })

  it('is compiled once in a process, whoever asks', () => {
    let reads = 0
    const counted: JsonSchema = {
      type: 'object',
      get properties() {
        reads++
        return { on: { type: 'boolean' } } as const
      },
    }
    expect(createSchemaValidator(counted)({ on: true })).toEqual([])
    const once = reads
    expect(createSchemaValidator(counted)({ on: true })).toEqual([])
    expect([once > 0, reads]).toEqual([true, once])
  })
})

describe('shaping', () => {
  it('removes what the schema does not know and says where', () => {
    const value = { spec: { modus: 1, env: [{ name: 'a', nam: 'b' }], free: { x: 1 }, labels: { any: 'x' } }, extra: 1 }
    const unknown = shapeValue(schema, value)
    expect(unknown.map(({ path }) => path)).toEqual(['spec.modus', 'spec.env[0].nam', 'extra'])
    expect(value).toEqual({ spec: { mode: 'Fast', tries: 3, env: [{ name: 'a', kind: 'plain' }], free: { x: 1 }, labels: { any: 'x' } } })
  })

  it('writes defaults for what is absent or null, into defaults too', () => {
    const nested = t.object({ inner: t.object({ a: t.integer().default(1) }).default({}) }).json
    const value = { inner: null }
    shapeValue(nested, value)
    expect(value).toEqual({ inner: { a: 1 } })
    const other = {}
    shapeValue(nested, other)
    expect(other).toEqual({ inner: { a: 1 } })
    expect(nested.properties?.inner?.default).toEqual({})
  })

  it('keeps null where it is allowed', () => {
    const value = { spec: { maybe: null, when: null } }
    shapeValue(schema, value)
    expect(value.spec).toEqual({ mode: 'Fast', tries: 3, maybe: null })
  })

  it('done twice is done once, whatever the value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (spec) => {
        const value = { spec }
        shapeValue(schema, value)
        const once = structuredClone(value)
        expect(shapeValue(schema, value)).toEqual([])
        expect(value).toEqual(once)
      }),
    )
  })
})

describe('suggestName', () => {
  const known = ['image', 'imagePullPolicy', 'command', 'env', 'envFrom']
  it.each([
    ['imag', 'image'],
    ['iamge', 'image'],
    ['Image', 'image'],
    ['ENV', 'env'],
    ['commands', 'command'],
    ['imagepullpolicy', 'imagePullPolicy'],
    ['replicas', undefined],
    ['x', undefined],
  ])('of %s is %s', (typo, expected) => {
    expect(suggestName(typo, known)).toBe(expected)
  })
})

describe('metadata', () => {
  const kind = { nameRule: 'subdomain' } as const
  const fieldsOf = (metadata: object) => validateMetadata(kind, { name: 'a', ...metadata }).map(({ field, reason }) => `${field} ${reason}`)
  const owner = { apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'u' }

  it.each([
    [{ name: 'a.b-c' }, []],
    [{ name: 'a..b' }, ['metadata.name FieldValueInvalid']],
    [{ name: 'a'.repeat(254) }, ['metadata.name FieldValueInvalid']],
    [{ name: undefined, generateName: 'a-' }, []],
    [{ name: undefined, generateName: 'A' }, ['metadata.generateName FieldValueInvalid']],
    [{ name: '' }, ['metadata.name FieldValueRequired']],
    [{ labels: { 'x.dev/a': 'b', c: '' } }, []],
    [{ labels: { 'a b': 'c' } }, ['metadata.labels FieldValueInvalid']],
    [{ labels: { a: 'x'.repeat(64) } }, ['metadata.labels FieldValueInvalid']],
    [{ annotations: { 'X.dev/A': 'any text\n' } }, []],
    [{ annotations: { a: 'x'.repeat(256 * 1024) } }, ['metadata.annotations FieldValueTooLong']],
    [{ finalizers: ['x.dev/a', 'orphan'] }, []],
    [{ finalizers: ['plain'] }, ['metadata.finalizers FieldValueInvalid']],
    [{ finalizers: ['orphan', 'foregroundDeletion'] }, ['metadata.finalizers FieldValueInvalid']],
    [
      {
        ownerReferences: [
          { ...owner, controller: true },
          { ...owner, uid: 'v', controller: true },
        ],
      },
      ['metadata.ownerReferences FieldValueForbidden'],
    ],
    [{ ownerReferences: [{ ...owner, uid: '' }] }, ['metadata.ownerReferences[0].uid FieldValueRequired']],
  ])('%j has the causes %j', (metadata, expected) => {
    expect(fieldsOf(metadata)).toEqual(expected)
  })
})

describe('metadata with very many mistakes', () => {
  it('is judged until an answer is full', () => {
    const wrong = Array.from({ length: 1000 }, (_, index) => `-${index}`)
    const labels = Object.fromEntries(wrong.map((key) => [key, 'a']))
    const metadata = { name: 'a', labels, annotations: labels, finalizers: wrong }
    expect(validateMetadata({ nameRule: 'label' }, metadata)).toHaveLength(60)
  })
})
