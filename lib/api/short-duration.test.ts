import { expect, it } from 'vitest'
import { shortDuration } from './short-duration.js'

it.each([
  [0, '0s'],
  [-5, '0s'],
  [119, '119s'],
  [120, '2m'],
  [192, '3m12s'],
  [600, '10m'],
  [3 * 3600 - 1, '179m'],
  [3 * 3600, '3h'],
  [5 * 3600 + 600, '5h10m'],
  [8 * 3600, '8h'],
  [47 * 3600, '47h'],
  [48 * 3600, '2d'],
  [50 * 3600, '2d2h'],
  [8 * 86400, '8d'],
  [400 * 86400, '400d'],
  [3 * 365 * 86400, '3y'],
  [(3 * 365 + 20) * 86400, '3y20d'],
  [9 * 365 * 86400, '9y'],
])('%d seconds are %s', (seconds, text) => expect(shortDuration(seconds * 1000)).toBe(text))
