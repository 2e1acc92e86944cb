import { describe, expect, it } from 'vitest'
import { BudgetSpent, codePoints, compilePattern } from './compile-pattern.js'

const enough = () => ({ left: 100_000 })

describe('a pattern', () => {
  it.each([
    ['^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', 'my-name', true],
    ['^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', 'my-name-', false],
    ['(?i)HeLLo', 'xhellOx', true],
    ['^\\d{3,5}$', '12', false],
    ['^\\d{3,5}$', '12345', true],
    ['^\\d{2,}$', '1', false],
    ['^(foo|bar|)$', '', true],
    ['^\\p{Greek}+$', 'αβγ', true],
    ['^\\PL+$', '123', true],
    ['^\\p{^Lu}$', 'A', false],
    ['[[:alpha:]]+1', 'ab1', true],
    ['[[:^alpha:]]', 'ab', false],
    ['^.$', '😀', true],
    ['^.$', '\n', false],
    ['(?s)^.$', '\n', true],
    ['(?m)^b$', 'a\nb', true],
    ['\\bfoo\\b', 'a foo b', true],
    ['\\Bo', 'foo', true],
    ['^a{0,2}$', 'aaa', false],
    ['^(|a)*$', 'aaa', true],
    ['^[^/]+$', 'a/b', false],
    ['^\\Qa.b\\E$', 'a.b', true],
    ['^[\\w.-]+$', 'a_b.c-d', true],
    ['^[]a]+$', ']a', true],
    ['\\x41\\x{1F600}', 'A😀', true],
    ['(?P<name>a)(?:b)', 'ab', true],
    ['^a{,2}$', 'a{,2}', true],
    ['^(a+)+$', `${'a'.repeat(60)}b`, false],
  ])('%s on %j: %s', (pattern, text, expected) => expect(compilePattern(pattern).test(text, enough())).toBe(expected))

  it.each([
    ['(?=a)', 'invalid or unsupported Perl syntax: (?='],
    ['(?<!a)', 'invalid or unsupported Perl syntax: (?<'],
    ['(a)\\1', 'invalid escape sequence: \\1'],
    ['a**', 'invalid nested repetition operator'],
    ['*a', 'missing argument to repetition operator: *'],
    ['[z-a]', 'invalid character class range'],
    ['[a', 'missing closing ]'],
    ['(a', 'missing closing )'],
    ['a)', 'unexpected )'],
    ['a{2,1}', 'invalid repeat count: {2,1} (at most 1000)'],
    ['a{2000}', 'invalid repeat count: {2000} (at most 1000)'],
    ['((a{100}){100}){100}', 'the pattern is too large once its repetitions are written out'],
    [`${'('.repeat(300)}${')'.repeat(300)}`, 'groups nest too deep'],
    ['a'.repeat(20_000), 'a pattern has at most 10000 characters'],
  ])('%.40s is refused', (pattern, message) => expect(() => compilePattern(pattern)).toThrow(message))

  it('finds the first match, as much or as little of it as the pattern wants', () => {
    const find = (pattern: string, text: string) => compilePattern(pattern).find(codePoints(text), 0, enough())
    expect(find('(ab)+', 'xx abab yy')).toEqual({ start: 3, end: 7 })
    expect(find('(ab)+?', 'xx abab yy')).toEqual({ start: 3, end: 5 })
    expect(find('a|ab', 'ab')).toEqual({ start: 0, end: 1 })
    expect(find('x', 'ab')).toBeUndefined()
  })

  it.each([['(x+x+)+y'], ['(a|b|ab)*c'], ['(.*)(.*)(.*)(.*)z'], ['((a{0,30}){0,30})b']])(
    '%s takes steps by the text, and no more than it may',
    (pattern) => {
      const steps = (length: number) => {
        const budget = { left: 1e9 }
        compilePattern(pattern).test('x'.repeat(length), budget)
        return 1e9 - budget.left
      }
      expect(steps(2_000)).toBeLessThan(steps(1_000) * 2.5)
      expect(() => compilePattern(pattern).test('x'.repeat(100_000), enough())).toThrow(BudgetSpent)
    },
  )
})
