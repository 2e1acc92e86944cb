import { describe, expect, it } from 'vitest'
import { countOf, type IntOrPercent, validateIntOrPercent } from './int-or-percent.js'

describe('an integer or a percentage', () => {
  it.each<[IntOrPercent, string]>([
    [0, ''],
    [2147483647, ''],
    ['0%', ''],
    ['150%', ''],
    [-1, 'must be greater than or equal to 0'],
    [2147483648, 'must be less than or equal to 2147483647'],
    ['5', 'a valid percent string must be a numeric string'],
    ['-5%', 'a valid percent string must be a numeric string'],
    ['5.5%', 'a valid percent string must be a numeric string'],
    ['', 'a valid percent string must be a numeric string'],
  ])('%j is refused with %j', (value, why) => {
    const causes = validateIntOrPercent(value, 'spec.x')
    expect(causes.map(({ field, message }) => `${field} ${message}`)).toEqual(why === '' ? [] : [expect.stringContaining(`: ${why}`)])
  })

  it.each<[IntOrPercent, number, 'up' | 'down', number]>([
    [2, 10, 'up', 2],
    ['50%', 7, 'up', 4],
    ['50%', 7, 'down', 3],
    ['0%', 7, 'up', 0],
    ['1%', 1, 'up', 1],
    ['100%', 7, 'down', 7],
    ['30%', 10, 'up', 3],
  ])('%j of %i, rounded %s, is %i', (value, total, round, count) => {
    expect(countOf(value, total, round)).toBe(count)
  })
})
