import { describe, expect, it } from 'vitest'
import type { Toleration } from './kinds/workload.js'
import { printTaint, tolerates } from './taint-toleration.js'

const taint = { key: 'team', value: 'ml', effect: 'NoSchedule' } as const

describe('a toleration', () => {
  it.each<[boolean, string, Partial<Toleration>]>([
    [true, 'of the same key and value', { key: 'team', value: 'ml' }],
    [false, 'of another value', { key: 'team', value: 'web' }],
    [false, 'without a value', { key: 'team' }],
    [false, 'of another key', { key: 'zone', value: 'ml' }],
    [true, 'of the key with any value', { key: 'team', operator: 'Exists' }],
    [true, 'of any key', { operator: 'Exists' }],
    [false, 'of no key, by value', { value: 'ml' }],
    [true, 'of the same effect', { key: 'team', operator: 'Exists', effect: 'NoSchedule' }],
    [false, 'of another effect', { operator: 'Exists', effect: 'NoExecute' }],
  ])('%s: %s', (expected, _name, toleration) => {
    expect(tolerates({ operator: 'Equal', ...toleration }, taint)).toBe(expected)
  })

  it('by an empty value covers a taint without one', () => {
    expect(tolerates({ operator: 'Equal', key: 'team' }, { key: 'team', effect: 'NoSchedule' })).toBe(true)
  })
})

it('a taint is printed as kubectl writes it', () => {
  expect(printTaint(taint)).toBe('team=ml:NoSchedule')
  expect(printTaint({ key: 'team', effect: 'NoExecute' })).toBe('team:NoExecute')
})
