import { describe, expect, it } from 'vitest'
import { coversLabels } from '../disruption-budget.js'
import { PodDisruptionBudget } from './pod-disruption-budget.js'

const aBudget = (spec: object) => ({ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: {} as never, spec })
const refused = (spec: object) =>
  (PodDisruptionBudget.validate?.(aBudget(spec), undefined) ?? []).map(({ field, message }) => `${field}: ${message}`)

describe('a PodDisruptionBudget', () => {
  it.each<[object, string[]]>([
    [{ minAvailable: 0 }, []],
    [{ minAvailable: '100%', selector: {} }, []],
    [{ maxUnavailable: '0%', selector: { matchLabels: { app: 'web' } } }, []],
    [{}, ['spec: Required value: one of minAvailable and maxUnavailable']],
    [
      { minAvailable: 1, maxUnavailable: '2%' },
      ['spec: Invalid value: {"minAvailable":1,"maxUnavailable":"2%"}: minAvailable and maxUnavailable cannot be both set'],
    ],
    [{ minAvailable: -1 }, ['spec.minAvailable: Invalid value: -1: must be greater than or equal to 0']],
    [{ maxUnavailable: '101%' }, ['spec.maxUnavailable: Invalid value: "101%": must not be greater than 100%']],
    [{ maxUnavailable: 'one' }, [expect.stringContaining('spec.maxUnavailable: Invalid value: "one": a valid percent string must be')]],
    [
      { minAvailable: 1, selector: { matchLabels: { '-': 'x' }, matchExpressions: [{ key: 'a', operator: 'In' }] } },
      [
        'spec.selector.matchLabels: Invalid value: "-": is not a label key',
        'spec.selector.matchExpressions[0].values: Required value: must be specified when the operator is In',
      ],
    ],
  ])('with %j is refused for %j', (spec, causes) => {
    expect(refused(spec)).toEqual(causes)
  })

  it('that compares with more than a thousand values is refused', () => {
    const values = Array.from({ length: 1001 }, (_, index) => `v${index}`)
    const spec = { minAvailable: 1, selector: { matchExpressions: [{ key: 'a', operator: 'NotIn', values }] } }
    expect(refused(spec)).toEqual(['spec.selector: Too many: 1001: a selector has at most 1000 terms and values'])
  })

  it.each<[string, object, boolean]>([
    ['no selector', {}, false],
    ['an empty selector', { selector: {} }, true],
    ['labels that it has', { selector: { matchLabels: { app: 'web' } } }, true],
    ['labels that it has not', { selector: { matchLabels: { app: 'web', tier: 'x' } } }, false],
    ['an expression', { selector: { matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] } }, true],
  ])('with %s is about a Task, or not', (_name, spec, covers) => {
    expect(coversLabels({ spec: { minAvailable: 1, ...spec } }, { app: 'web' })).toBe(covers)
  })
})
