import { describe, expect, it } from 'vitest'
import type { StatusCause } from '../api-error.js'
import type { JsonSchema, ValidationRule } from '../schema/json-schema.js'
import { compileSchemaRules } from './schema-rules.js'
import { validateRules } from './validate-rules.js'

const text = { type: 'string' } as const
const properties: Record<string, JsonSchema> = {
  a: text,
  n: { type: 'integer' },
  d: { type: 'number' },
  list: { type: 'array', items: { type: 'object', properties: { name: text, count: { type: 'integer' } } } },
  keyed: {
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['name'],
    items: { type: 'object', properties: { name: text, count: { type: 'integer' } } },
  },
  m: { type: 'object', additionalProperties: { type: 'integer' } },
  ts: { type: 'string', format: 'date-time' },
  bytes: { type: 'string', format: 'byte' },
  q: text,
  any: { 'x-kubernetes-int-or-string': true },
  names: { type: 'array', items: text },
  nothing: { type: 'string', nullable: true },
  'my-field': text,
  namespace: text,
  u: text,
}
const object = {
  a: 'x',
  n: 5,
  d: 1.5,
  list: [
    { name: 'p', count: 1 },
    { name: 'q', count: 2 },
  ],
  m: { k: 3 },
  ts: '2024-01-15T14:30:45.123Z',
  bytes: 'aGVsbG8=',
  q: '500Mi',
  any: '5%',
  names: ['a', 'b', 'ü😀'],
  nothing: null,
  'my-field': 'f',
  namespace: 'n',
  u: 'https://e.com:80/p?q=1&q=2',
}

const schemaWith = (...rules: ValidationRule[]): JsonSchema => ({ type: 'object', properties, 'x-kubernetes-validations': rules })

function compile(schema: JsonSchema) {
  const causes: StatusCause[] = []
  return { place: compileSchemaRules(schema, '$', causes), causes }
}

function judge(schema: JsonSchema, value: unknown, old?: unknown): string[] {
  const { place, causes } = compile(schema)
  expect(causes).toEqual([])
  return place ? validateRules(place, value, old, new Map()).map(({ field, message }) => `${field}: ${message}`) : []
}

describe('a rule', () => {
  it.each([
    'self.a == "x" && self.n + 1 == 6 && self.d > 1.0 && self.n > 1.5',
    'self.list.all(x, x.count > 0) && self.list.exists(x, x.name == "q") && self.list.exists_one(x, x.count == 2)',
    'self.list.map(x, x.count).sum() == 3 && self.list.map(x, x.count > 1, x.name) == ["q"]',
    'self.list.filter(x, x.count > 1).size() == 1 && self.list[0].name == "p"',
    'self.m.all(k, self.m[k] == 3) && "k" in self.m && !("z" in self.m) && size(self.m) == 1',
    'self.ts < timestamp("2025-01-01T00:00:00Z") && self.ts.getFullYear() == 2024 && self.ts.getMilliseconds() == 123',
    'self.ts + duration("1h") > self.ts && (self.ts - self.ts) == duration("0s")',
    'duration("1h30m").getMinutes() == 90 && string(duration("1.5s")) == "1.5s"',
    'quantity(self.q).isLessThan(quantity("1Gi")) && quantity("1.5").add(quantity("500m")).asInteger() == 2',
    'isQuantity("1Ki") && !isQuantity("1K") && quantity("1k").compareTo(quantity("1000")) == 0 && quantity("-1").sign() == -1',
    'type(self.any) == string && type(self.n) == int && string(self.n) == "5" && int("7") == 7',
    'self.names[2].size() == 2 && self.names[2].charAt(1) == "😀" && "ü😀x".indexOf("x") == 2',
    'self.my__dash__field == "f" && self.__namespace__ == "n"',
    'self.a.matches("^x+$") && "abc123".find("[0-9]+") == "123" && "a1b2".findAll("[0-9]") == ["1", "2"]',
    'url(self.u).getHost() == "e.com:80" && url(self.u).getQuery()["q"].size() == 2 && url(self.u).getScheme() == "https"',
    'isURL("/x") && !isURL("x y")',
    'cidr("10.0.0.0/8").containsIP("10.2.3.4") && !cidr("10.0.0.0/8").containsIP(ip("11.0.0.1"))',
    'cidr("10.1.2.3/8").masked().ip() == ip("10.0.0.0") && cidr("::1/64").prefixLength() == 64',
    'isIP("::1") && ip("::1").isLoopback() && ip("10.0.0.1").family() == 4 && !ip.isCanonical("2001:DB8::1")',
    'has(self.a) && !has(self.keyed) && self.?a.orValue("z") == "x" && self.?keyed.orValue([]).size() == 0',
    'sets.contains(self.names, ["a"]) && sets.intersects(self.names, ["z", "b"])',
    'cel.bind(y, self.n * 2, y == 10)',
    '"a,b,c".split(",").size() == 3 && "hello".replace("l", "L") == "heLLo" && "hello".substring(1, 3) == "el"',
    'self.names.isSorted() && [1, 3, 2].max() == 3 && self.names.indexOf("b") == 1 && self.names.join("-").startsWith("a-b")',
    '(1 / 0 == 1 || true) && (self.list[9].name == "a" || true)',
    '(self.n > 3 ? "big" : "small") == "big" && {"a": 1}["a"] == 1',
    'self.nothing == null',
    'self.bytes == b"hello"',
  ])('holds: %s', (rule) => expect(judge(schemaWith({ rule }), object)).toEqual([]))

  it.each([
    ['self.a == "y"', ': Invalid value: "object": failed rule: self.a == "y"'],
    ['self.list[7].name == "a"', ': Invalid value: "object": rule evaluation error: index out of bounds: 7: self.list[7].name == "a"'],
    ['self.n / (self.n - 5) == 1', ': Invalid value: "object": rule evaluation error: division by zero: self.n / (self.n - 5) == 1'],
    [
      'self.n * 9223372036854775807 > 0',
      ': Invalid value: "object": rule evaluation error: integer overflow: self.n * 9223372036854775807 > 0',
    ],
  ])('does not hold: %s', (rule, expected) => expect(judge(schemaWith({ rule }), object)).toEqual([expected]))

  it('says its message, in its words or made of the object, at its field, with its reason', () => {
    const rule = 'self.n > 9'
    expect(judge(schemaWith({ rule, message: 'too small' }), object)).toEqual([': Invalid value: "object": too small'])
    const made = { rule, messageExpression: '"n is " + string(self.n)', fieldPath: '.n', reason: 'FieldValueForbidden' as const }
    expect(judge(schemaWith(made), object)).toEqual(['n: Forbidden: n is 5'])
    expect(judge(schemaWith({ rule, message: 'm', messageExpression: '[""][self.n]' }), object)).toEqual([': Invalid value: "object": m'])
  })

  it('may compare with the state before, where there is one', () => {
    const grows = schemaWith({ rule: 'self.n >= oldSelf.n', message: 'n may not shrink' })
    expect(judge(grows, object)).toEqual([])
    expect(judge(grows, object, { ...object, n: 4 })).toEqual([])
    expect(judge(grows, object, { ...object, n: 6 })).toEqual([': Invalid value: "object": n may not shrink'])
    const always = schemaWith({
      rule: 'oldSelf.hasValue() ? self.n >= oldSelf.value().n : self.n == 1',
      optionalOldSelf: true,
      message: 'no',
    })
    expect(judge(always, object)).toHaveLength(1)
    expect(judge(always, object, object)).toEqual([])
  })

  it('compares items of list maps by their keys', () => {
    const items = { ...properties.keyed?.items, 'x-kubernetes-validations': [{ rule: 'self.count == oldSelf.count', message: 'fixed' }] }
    const schema: JsonSchema = { type: 'object', properties: { keyed: { ...properties.keyed, items } } }
    const before = {
      keyed: [
        { name: 'a', count: 1 },
        { name: 'b', count: 2 },
      ],
    }
    expect(
      judge(
        schema,
        {
          keyed: [
            { name: 'b', count: 2 },
            { name: 'c', count: 3 },
          ],
        },
        before,
      ),
    ).toEqual([])
    expect(judge(schema, { keyed: [{ name: 'b', count: 3 }] }, before)).toEqual(['keyed[0]: Invalid value: "object": fixed'])
  })

  it('lets be what was broken before and does not change', () => {
    const schema: JsonSchema = {
      type: 'object',
      properties: { a: { ...text, 'x-kubernetes-validations': [{ rule: 'self == "y"' }] }, n: { type: 'integer' } },
    }
    expect(judge(schema, { a: 'x', n: 2 }, { a: 'x', n: 1 })).toEqual([])
    expect(judge(schema, { a: 'z', n: 2 }, { a: 'x', n: 1 })).toHaveLength(1)
  })
})

describe('a rule is refused when the kind is defined', () => {
  it.each<[string, ValidationRule, string]>([
    ['no text', { rule: ' ' }, 'Required value'],
    ['no expression', { rule: 'self.a ==' }, 'compilation failed: '],
    ['an unknown field', { rule: 'self.b == 1' }, 'compilation failed: No such key: b'],
    ['an unknown field in has()', { rule: '!has(self.b)' }, 'compilation failed: No such key: b'],
    ['a wrong type', { rule: 'self.a + 1 == 2' }, 'compilation failed: no such overload: string + int'],
    ['no condition', { rule: 'self.n' }, 'compilation failed: must evaluate to a bool, not int'],
    ['a function that does not exist', { rule: '"%s".format([self.a]) == "x"' }, 'found no matching overload'],
    ['a zone of time', { rule: 'self.ts.getHours("Europe/Berlin") == 1' }, 'the function getHours is not supported with these arguments'],
    ['unsigned integers', { rule: '1u == 1u' }, 'unsigned integers are not supported'],
    ['JSON in bytes', { rule: 'self.bytes.json() == {}' }, 'compilation failed: '],
    ['comprehensions with two names', { rule: 'self.names.all(i, x, x != "")' }, 'compilation failed: '],
    [
      'too many loops in loops',
      { rule: 'self.names.all(a, self.names.all(b, self.names.all(c, self.names.all(d, self.names.all(e, e != "")))))' },
      'at most 4 lists',
    ],
    ['too much text', { rule: `"${'x'.repeat(6_000)}" == self.a` }, 'at most 5000 characters'],
    ['too deep a text', { rule: `${'('.repeat(500)}true${')'.repeat(500)}` }, 'compilation failed: '],
    [
      'too long a chain',
      { rule: `${Array.from({ length: 1_500 }, () => '1').join('+')} == 1` },
      'compilation failed: Exceeded maxAstNodes',
    ],
    ['a message that is no text', { rule: 'true', messageExpression: 'self.n' }, 'must evaluate to a string, not int'],
    ['a field that is not there', { rule: 'true', fieldPath: '.nope' }, 'does not refer to a valid field'],
    ['oldSelf made optional in vain', { rule: 'true', optionalOldSelf: true }, 'may not be set if oldSelf is not used'],
  ])('%s', (_name, rule, expected) => {
    const { causes } = compile(schemaWith(rule))
    expect(causes.map(({ message }) => message)).toEqual([expect.stringContaining(expected)])
  })

  it('when it compares items that have no keys', () => {
    const items = { ...text, 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] }
    const { causes } = compile({ type: 'object', properties: { names: { type: 'array', items } } })
    expect(causes[0]?.field).toBe('$.properties[names].items.x-kubernetes-validations[0].rule')
  })

  it('when there are too many', () => {
    const causes: StatusCause[] = []
    compileSchemaRules(schemaWith({ rule: 'true' }, { rule: 'true' }), '$', causes, { rules: 1 })
    expect(causes.map(({ reason }) => reason)).toEqual(['FieldValueTooMany'])
  })
})

describe('a rule that costs too much', () => {
  const many = { ...object, list: Array.from({ length: 2_000 }, (_, index) => ({ name: `n${index}`, count: index })) }
  it.each([
    'self.list.all(x, self.list.all(y, self.list.all(z, x.count + y.count + z.count >= 0)))',
    'self.list.all(x, self.list.filter(y, y.name == x.name).size() == 1)',
    'self.list.all(x, self.list.map(y, y.name) == self.list.map(z, z.name))',
    'self.list.map(x, self.list).all(y, y.size() == 2000) && self.list.all(x, (self.list + self.list).size() > 0)',
    `self.list.all(x, "${'a'.repeat(1_000)}".matches("(a*)*b") == false)`,
    'cel.bind(a, "xxxxxxxxxxxxxxxxxxxx", cel.bind(b, a+a+a+a+a+a+a+a+a, cel.bind(c, b+b+b+b+b+b+b+b+b, cel.bind(d, c+c+c+c+c+c+c+c, cel.bind(e, d+d+d+d+d+d+d+d+d+d, e+e+e+e+e+e+e+e != "")))))',
  ])('is ended: %.70s', (rule) => {
    expect(judge(schemaWith({ rule }), many)).toEqual([expect.stringContaining('validation of the object was not completed')])
  })
})
