import { describe, expect, it } from 'vitest'
import { maxBodyBytes, readBody } from './read-body.js'

const read = (text: string, type?: string) => readBody(Buffer.from(text), type)
const yaml = 'application/yaml'

describe('JSON', () => {
  it('is the type when none is named, and parameters do not matter', () => {
    expect(read('{"a":1}')).toEqual({ value: { a: 1 }, duplicates: [] })
    expect(read('{"a":1}', 'Application/JSON; charset=utf-8').value).toEqual({ a: 1 })
  })

  it.each([
    ['bad UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 'application/json', 400],
    ['no JSON', Buffer.from('{"a":'), 'application/json', 400],
    ['nothing', Buffer.alloc(0), 'application/json', 400],
    ['65 levels', Buffer.from('['.repeat(65) + ']'.repeat(65)), 'application/json', 400],
    ['a million brackets', Buffer.from('['.repeat(1_000_000)), 'application/json', 400],
    ['more than 3 MiB', Buffer.alloc(maxBodyBytes + 1, 0x20), 'application/json', 413],
    ['a form', Buffer.from('a=1'), 'application/x-www-form-urlencoded', 415],
    ['CBOR', Buffer.from([0xa0]), 'application/cbor', 415],
    ['a number beyond doubles', Buffer.from('{"a":1e999}'), 'application/json', 400],
    ['a key that reaches a prototype', Buffer.from('{"a":[{"__proto__":{}}]}'), 'application/json', 400],
    ['the same key in disguise', Buffer.from('{"\\u005f_proto__":{}}'), 'application/json', 400],
  ])('refuses %s', (_what, bytes, type, code) => {
    expect(() => readBody(bytes, type)).toThrow(expect.objectContaining({ code }))
  })

  it('never quotes the body in its errors', () => {
    expect(() => read('{"password": hunter2}')).toThrow(expect.not.objectContaining({ message: expect.stringContaining('hunter') }))
    expect(() => read('password: [hunter2', yaml)).toThrow(expect.not.objectContaining({ message: expect.stringContaining('hunter') }))
  })
})

describe('YAML', () => {
  it('is decoded to the same value as JSON, with long integers exact and duplicates by path', () => {
    const body = read('metadata:\n  name: a\nspec:\n- n: 9007199254740993\n  m: 1\n  n: 12345678901234567890\n', yaml)
    expect(body.value).toEqual({ metadata: { name: 'a' }, spec: [{ n: 12345678901234567890n, m: 1 }] })
    expect(body.duplicates).toEqual(['spec[0].n'])
  })

  it('takes 64 levels of any notation', () => {
    const levels = Array.from({ length: 64 }, (_, level) => `${' '.repeat(level)}a:\n`).join('')
    for (const text of [`${'['.repeat(64)}${']'.repeat(64)}`, `${'- '.repeat(64)}x`, `${levels}${' '.repeat(64)}x`])
      expect(() => read(text, yaml)).not.toThrow()
  })

  const indented = Array.from({ length: 100 }, (_, level) => `${' '.repeat(level)}a:\n`).join('')
  it.each([
    ['brackets', '['.repeat(4000)],
    ['more brackets', '['.repeat(8_000)],
    ['braces', '{a: '.repeat(2000)],
    ['dashes', '- '.repeat(4000)],
    ['question marks', '? '.repeat(4000)],
    ['colons', ': '.repeat(4000)],
    ['keys in a row', 'a: '.repeat(2000)],
    ['keys in brackets', `[${'a: '.repeat(2000)}`],
    ['question marks in brackets', `[${'? '.repeat(2000)}`],
    ['indentation', indented],
    ['dashes under dashes', Array.from({ length: 100 }, (_, level) => `${' '.repeat(level)}-\n`).join('')],
    [
      'aliases that multiply',
      `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [${'*a,'.repeat(9)}*a]\nc: &c [${'*b,'.repeat(9)}*b]\nd: [${'*c,'.repeat(9)}*c]`,
    ],
    ['a key that reaches a prototype', 'a:\n  __proto__: {b: 1}'],
    ['infinity', 'a: .inf'],
    ['two documents', 'a: 1\n---\nb: 2'],
    ['an alias of nothing', 'a: *b'],
    ['a key that is a list', '[a]: 1'],
    ['a key that is an alias', 'a: &x {b: 1}\n*x : 2'],
    ['keys of keys, whose texts double at every level', `${'? '.repeat(40)}a`],
  ])('refuses %s with 400, in order and again', (_what, text) => {
    for (let round = 0; round < 3; round++) expect(() => read(text, yaml)).toThrow(expect.objectContaining({ code: 400 }))
  })

  it.each([
    ['binary', 'a: !!binary aGk=', { a: 'aGk=' }],
    ['binary of an older version', '%YAML 1.1\n---\na: !!binary aGk=', { a: 'aGk=' }],
    ['a set of an older version', '%YAML 1.1\n---\na: !!set {x: null}', { a: { x: null } }],
    ['a day of an older version', '%YAML 1.1\n---\na: 2026-01-02', { a: '2026-01-02' }],
  ])('has no values that JSON has not: %s', (_what, text, value) => {
    expect(read(text, yaml).value).toEqual(value)
  })

  it('is refused above its own limit', () => {
    expect(() => read('a'.repeat(8 * 1024 + 1), yaml)).toThrow(expect.objectContaining({ code: 413 }))
  })
})
