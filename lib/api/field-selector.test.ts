import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isApiErrorWithReason } from './api-error.js'
import { matchesFields, parseFieldSelector, printFieldSelector } from './field-selector.js'

describe('a field selector', () => {
  it('reads equality and inequality', () => {
    expect(parseFieldSelector('spec.nodeName=n1,status.phase!=Failed,metadata.name==x')).toEqual([
      { path: 'spec.nodeName', operator: '=', value: 'n1' },
      { path: 'status.phase', operator: '!=', value: 'Failed' },
      { path: 'metadata.name', operator: '=', value: 'x' },
    ])
  })

  it('takes an empty value, and an absent field counts as empty', () => {
    const selector = parseFieldSelector('involvedObject.namespace=')
    expect(matchesFields(selector, {})).toBe(true)
    expect(matchesFields(selector, { 'involvedObject.namespace': 'default' })).toBe(false)
  })

  it.each(['nodeName', '=x', 'a=b=c', 'a=\\b'])('refuses %j as a bad request', (text) => {
    expect(() => parseFieldSelector(text)).toThrow(expect.toSatisfy(isApiErrorWithReason('BadRequest')))
  })

  it('has at most a thousand terms', () => {
    const terms = (count: number) => Array(count).fill('metadata.name!=a').join(',')
    expect(parseFieldSelector(terms(1000))).toHaveLength(1000)
    expect(() => parseFieldSelector(terms(1001))).toThrow(expect.toSatisfy(isApiErrorWithReason('BadRequest')))
  })

  it('is refused in no time, however long', () => {
    const start = performance.now()
    for (const text of [`a${' '.repeat(60_000)}b`, ' a'.repeat(30_000)])
      expect(() => parseFieldSelector(text)).toThrow(expect.toSatisfy(isApiErrorWithReason('BadRequest')))
    expect(performance.now() - start).toBeLessThan(5_000) // quadratic takes minutes
  })

  it('reads back what it prints', () => {
    const requirement = fc.record({
      path: fc.constantFrom('metadata.name', 'spec.nodeName'),
      operator: fc.constantFrom('=' as const, '!=' as const),
      value: fc.string({ unit: fc.constantFrom('a', ',', '=', '\\', '-', '1') }),
    })
    fc.assert(
      fc.property(fc.array(requirement), (selector) => {
        expect(parseFieldSelector(printFieldSelector(selector))).toEqual(selector)
      }),
    )
  })
})
