import { describe, expect, it } from 'vitest'
import { generateName, isDnsLabel, isDnsSubdomain, isLabelValue, isPathSegment, isQualifiedName } from './names.js'

describe('names', () => {
  it.each([
    ['a', true],
    ['a-1', true],
    ['A', false],
    ['-a', false],
    ['a-', false],
    ['a.b', false],
    ['', false],
    ['a'.repeat(63), true],
    ['a'.repeat(64), false],
  ])('DNS label %s: %s', (name, ok) => expect(isDnsLabel(name)).toBe(ok))
  it.each([
    ['a.b', true],
    ['a..b', false],
    ['.a', false],
    ['a_b', false],
    [`${'a.'.repeat(126)}a`, true],
    [`${'a.'.repeat(127)}a`, false],
  ])('DNS subdomain %s: %s', (name, ok) => expect(isDnsSubdomain(name)).toBe(ok))
  it.each([
    ['system:node:x', true],
    ['.', false],
    ['..', false],
    ['a/b', false],
    ['a%b', false],
    ['', false],
  ])('path segment %s: %s', (name, ok) => expect(isPathSegment(name)).toBe(ok))
  it.each([
    ['app', true],
    ['a.b/c', true],
    ['A/b', false],
    ['a/b/c', false],
    ['/b', false],
    ['a/', false],
    ['a_B.c', true],
  ])('qualified name %s: %s', (name, ok) => expect(isQualifiedName(name)).toBe(ok))
  it.each([
    ['', true],
    ['a b', false],
    ['A_b.c', true],
    ['-a', false],
  ])('label value %j: %s', (value, ok) => expect(isLabelValue(value)).toBe(ok))

  it('a generated name keeps 58 characters of its base and adds five', () => {
    expect(generateName('web-', () => 0)).toBe('web-bbbbb')
    expect(generateName('x'.repeat(80), () => 0.999)).toBe(`${'x'.repeat(58)}99999`)
  })
})
