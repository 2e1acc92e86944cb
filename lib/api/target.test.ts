import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseTarget, printTarget } from './target.js'

describe('a target', () => {
  it.each([
    ['n1', { node: 'n1', numa: undefined, gpus: [] }],
    ['gpu-7.lab:1', { node: 'gpu-7.lab', numa: 1, gpus: [] }],
    ['n1::0,1', { node: 'n1', numa: undefined, gpus: [0, 1] }],
    ['n1:0::3,2', { node: 'n1', numa: 0, gpus: [2, 3] }],
    ['::0', { node: undefined, numa: undefined, gpus: [0] }],
    [':1', { node: undefined, numa: 1, gpus: [] }],
  ])('%s is understood', (text, target) => {
    expect(parseTarget(text)).toEqual(target)
  })

  it.each(['', ':', '::', 'n1:', 'n1::', 'n1:x', 'n1::1,', 'n1::1,1', 'n1::-1', 'N1', 'n1:1:2', 'n1::0:1', ' n1'])('%j is none', (text) => {
    expect(parseTarget(text)).toBeUndefined()
  })

  it('is printed as it is read', () => {
    const target = fc.record({
      node: fc.constantFrom('n1', 'gpu.lab', 'a-b'),
      numa: fc.option(fc.nat(9999), { nil: undefined }),
      gpus: fc.uniqueArray(fc.nat(9999), { maxLength: 4 }).map((gpus) => gpus.sort((a, b) => a - b)),
    })
    fc.assert(fc.property(target, (value) => void expect(parseTarget(printTarget(value))).toEqual(value)))
  })
})
