import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeJson } from './decode-json.js'
import { printJson } from './print-json.js'
import { sameValue } from './same-value.js'
import { maxValues } from './scan-json.js'

const decode = (text: string) => decodeJson(Buffer.from(text))

/** JSON values in which integers may be of any length, and keys are of all sorts. */
const { value: anyValue } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : exact(number))),
    fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map((integer) => (Number.isSafeInteger(Number(integer)) ? Number(integer) : integer)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      fc.string().filter((key) => !['__proto__', 'constructor', 'prototype'].includes(key)),
      tie('value'),
      { maxKeys: 4, noNullPrototype: true },
    ),
  ),
}))

/** Doubles that print as long integers come back as bigint: as the same number. */
function exact(number: number): number | bigint {
  return Number.isInteger(number) && !Number.isSafeInteger(number) && /^-?\d+$/.test(String(number)) ? BigInt(String(number)) : number
}

/** Whether JSON can hold the value: JSON.parse makes Infinity of 1e999. */
function isRepresentable(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  return typeof value !== 'object' || value === null || Object.values(value).every(isRepresentable)
}

describe('reading JSON', () => {
  it('gives back exactly what was printed', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const { value: read, duplicates } = decode(printJson(value))
        expect(read).toEqual(value)
        expect(sameValue(read, value)).toBe(true)
        expect(duplicates).toEqual([])
      }),
      { numRuns: 500 },
    )
  })

  it('agrees with JSON.parse on which texts are JSON', () => {
    const text = fc.oneof(
      fc.json(),
      fc.constantFrom('-1e999', '[1e400]', '{"a":1e309}'),
      fc.string({ unit: fc.constantFrom(...'{}[]":,\\ 0123456789.eE+-tfn\n') }),
      fc.string(),
    )
    fc.assert(
      fc.property(text, (input) => {
        let expected: unknown
        try {
          expected = JSON.parse(input)
        } catch {
          expect(() => decode(input)).toThrow(expect.objectContaining({ code: 400 }))
          return
        }
        if (/__proto__|constructor|prototype/.test(input)) return
        if (!isRepresentable(expected)) {
          expect(() => decode(input)).toThrow(expect.objectContaining({ code: 400 }))
          return
        }
        // -0 is printed as 0, here as by JSON.stringify.
        expect(JSON.parse(printJson(decode(input).value))).toEqual(JSON.parse(JSON.stringify(expected)))
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    ['9007199254740991', 9007199254740991],
    ['9007199254740993', 9007199254740993n],
    ['-9223372036854775808', -9223372036854775808n],
    ['1.0', 1],
    ['1e3', 1000],
    ['12345678901234567890.5', 12345678901234567000],
  ])('reads %s exactly', (text, expected) => {
    expect(decode(`{"n":${text}}`).value).toEqual({ n: expected })
  })

  it('names duplicate fields by path; the last one wins', () => {
    const { value, duplicates } = decode('{"a":1,"b":[{"c":1,"d":{"e":1,"e":2}},{"c":1,"\\u0063":3}],"a":{"x":1}}')
    expect(value).toEqual({ a: { x: 1 }, b: [{ c: 1, d: { e: 2 } }, { c: 3 }] })
    expect(duplicates).toEqual(['b[0].d.e', 'b[1].c', 'a'])
  })

  it('reads brackets, colons and digits in texts as text', () => {
    const value = { 'a:[{': '[[[:{"\\ 12345678901234567890' }
    expect(decode(JSON.stringify(value))).toEqual({ value, duplicates: [] })
  })
})

describe('decodeJson of very many values', () => {
  it.each([
    ['members', `{${'"a":1,'.repeat(maxValues)}"b":1}`],
    ['items', `[${'1,'.repeat(maxValues)}1]`],
    ['lists', `[${'[],'.repeat(maxValues)}[]]`],
  ])('refuses them before it parses: %s', (_what, text) => {
    expect(() => decode(text)).toThrow(expect.objectContaining({ code: 413 }))
  })

  it('takes a hundred thousand', () => {
    expect(decode(`[${'1,'.repeat(maxValues - 2)}1]`).value).toHaveLength(maxValues - 1)
  })

  it('counts nothing within texts', () => {
    expect(decode(JSON.stringify([',[{'.repeat(maxValues)])).duplicates).toEqual([])
  })
})

describe('sameValue', () => {
  it.each([
    [{ a: 1, b: [1] }, { b: [1], a: 1 }, true],
    [{ a: undefined }, {}, true],
    [{ a: 1, b: undefined }, { a: 1, c: 2 }, false],
    [{ a: null }, {}, false],
    [[1, 2], [2, 1], false],
    [[], {}, false],
    [2n ** 60n, 2n ** 60n, true],
    [2n ** 60n, 2n ** 60n + 1n, false],
    [{ toString: 1 }, {}, false],
  ])('of %o and %o is %s', (left, right, expected) => {
    expect(sameValue(left, right)).toBe(expected)
    expect(sameValue(right, left)).toBe(expected)
  })
})
