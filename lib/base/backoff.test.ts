import { expect, it } from 'vitest'
import { backoffDelayMs } from './backoff.js'

it('doubles from the first delay to the last', () => {
  const delays = [0, 1, 2, 3, 10, 5000].map((attempt) => backoffDelayMs(attempt, { initialMs: 5, maxMs: 30, jitter: 'none' }))
  expect(delays).toEqual([5, 10, 20, 30, 30, 30])
})

it('with full jitter lies anywhere below the delay', () => {
  expect(backoffDelayMs(2, { initialMs: 100, maxMs: 1000, random: () => 0.25 })).toBe(100)
  expect(backoffDelayMs(2, { initialMs: 100, maxMs: 1000, random: () => 0 })).toBe(0)
})
