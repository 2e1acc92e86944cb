import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { startWatchdog } from './watchdog.js'

let silences: number
beforeEach(() => {
  vi.useFakeTimers()
  silences = 0
})
afterEach(() => void vi.useRealTimers())
const start = () => startWatchdog(1_000, () => silences++)

it('tells of silence once, after its time', () => {
  start()
  vi.advanceTimersByTime(999)
  expect(silences).toBe(0)
  vi.advanceTimersByTime(10_000)
  expect(silences).toBe(1)
})

it('begins anew with each sign of life', () => {
  const watchdog = start()
  for (let feed = 0; feed < 10; feed++) {
    vi.advanceTimersByTime(999)
    watchdog.feed()
  }
  expect(silences).toBe(0)
  vi.advanceTimersByTime(1_000)
  expect(silences).toBe(1)
})

it('says nothing once it is stopped', () => {
  start().stop()
  vi.advanceTimersByTime(10_000)
  expect(silences).toBe(0)
  expect(vi.getTimerCount()).toBe(0)
})

it('hears first what came while the process was stopped', async () => {
  vi.useRealTimers()
  const watchdog = startWatchdog(50, () => silences++)
  const feeding = setInterval(() => watchdog.feed(), 0)
  // Nothing runs meanwhile, as in a stopped process.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
  await new Promise((resolve) => setImmediate(resolve))
  expect(silences).toBe(0)
  clearInterval(feeding)
  watchdog.stop()
})
