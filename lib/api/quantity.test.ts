import { describe, expect, it } from 'vitest'
import { cpuMillis, memoryBytes, parseQuantity, printBytes, printCpu, tryParseQuantity } from './quantity.js'

describe('a quantity', () => {
  it.each([
    ['1', 1],
    ['500m', 0.5],
    ['1.5', 1.5],
    ['.5', 0.5],
    ['2Gi', 2 * 2 ** 30],
    ['1k', 1000],
    ['1e3', 1000],
    ['1E3', 1000],
    ['1E', 1e18],
    ['-1', -1],
    [3, 3],
    ['100u', 1e-4],
  ])('%s is %d base units', (text, value) => expect(parseQuantity(text)).toBeCloseTo(value, 12))

  it.each(['', ' 1', '1 Gi', 'Gi', '1gi', '1..2', 'abc', '0x10', '1e', '1Kii', '9'.repeat(70), 'Infinity', '--1'])('%j is none', (text) => {
    expect(tryParseQuantity(text)).toBeUndefined()
    expect(() => parseQuantity(text)).toThrow(RangeError)
  })

  it('rounds up to whole millicores and bytes without the noise of doubles', () => {
    expect(cpuMillis('0.3')).toBe(300)
    expect(cpuMillis('0.0001')).toBe(1)
    expect(cpuMillis(2)).toBe(2000)
    expect(memoryBytes('1.5Ki')).toBe(1536)
    expect(memoryBytes('100m')).toBe(1)
  })

  it.each([
    [4 * 2 ** 30, '4Gi'],
    [1.25 * 2 ** 30, '1.2Gi'],
    [100, '100'],
    [0, '0'],
    [-2048, '-2Ki'],
  ])('prints %d bytes as %s', (bytes, text) => {
    expect(printBytes(bytes)).toBe(text)
  })

  it.each([
    [1500, '1.5'],
    [2000, '2'],
    [250, '250m'],
  ])('prints %d millicores as %s', (millis, text) => expect(printCpu(millis)).toBe(text))
})
