import { expect, it } from 'vitest'
import { parseDocument } from 'yaml'
import { hasComplexKey } from './yaml-keys.js'

it.each([
  ['a: 1\n1: b\ntrue: c\nnull: d\n~: e', false],
  ['? a\n: b', false],
  ['a: [{b: c}, {d: [e]}]', false],
  ['? [a, b]\n: c', true],
  ['a:\n  - ? {b: c}\n    : d', true],
  [`${'? '.repeat(20)}a`, true],
  ['a: &x b\n? *x\n: c', true],
])('%j has a key that is no scalar: %j', (text, expected) => {
  expect(hasComplexKey(parseDocument(text))).toBe(expected)
})
