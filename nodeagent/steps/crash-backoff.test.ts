import { expect, it } from 'vitest'
import { retryDelayMs, retryForRoomDelayMs } from './crash-backoff.js'

it.each([
  ['the first time', 1, 0, 1_000],
  ['again and again, at once', 20, 5, 15_000],
  ['again and again, after a copy of some seconds', 20, 4_000, 80_000],
  ['again and again, after a long download', 20, 600_000, 300_000],
])('what a full disk stopped %s is tried again in time', (_how, count, tookMs, delayMs) => {
  expect(retryForRoomDelayMs(count, tookMs)).toBe(delayMs)
})

it('what anything else stopped waits longer each time, up to five minutes', () => {
  expect([1, 2, 3, 9, 10, 50].map(retryDelayMs)).toEqual([1_000, 2_000, 4_000, 256_000, 300_000, 300_000])
})
