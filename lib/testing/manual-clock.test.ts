import { expect, it } from 'vitest'
import { sleep } from '../base/clock.js'
import { ManualClock } from './manual-clock.js'

it('fires timers in order, and those that they set, up to the new time', async () => {
  const clock = new ManualClock()
  const fired: string[] = []
  clock.setTimer(20, () => fired.push('late'))
  clock.setTimer(10, () => {
    fired.push('early')
    clock.setTimer(5, () => fired.push('nested'))
  })
  clock.setTimer(30, () => fired.push('never')).cancel()
  await clock.advance(25)
  expect(fired).toEqual(['early', 'nested', 'late'])
  expect(clock.monotonic()).toBe(25)
  expect(clock.timers).toBe(0)
})

it('a sleep on it ends when time moves, or when aborted', async () => {
  const clock = new ManualClock()
  const slept = sleep(clock, 1000)
  await clock.advance(1000)
  await expect(slept).resolves.toBeUndefined()
  const abort = new AbortController()
  const aborted = sleep(clock, 1000, abort.signal)
  abort.abort(new Error('enough'))
  await expect(aborted).rejects.toThrow('enough')
  expect(clock.timers).toBe(0)
})
