import { expect, it } from 'vitest'
import { ManualClock } from '../../lib/testing/manual-clock.js'
import { UsageWindows, usageBetween } from './usage-windows.js'

const signal = AbortSignal.timeout(60_000)
const second = 1e9

/** A machine whose one subject uses half a core, and how often it was looked at. */
function machine() {
  const clock = new ManualClock()
  const windows = new UsageWindows(clock)
  const begin = clock.monotonic()
  const state = { looks: 0, present: true }
  const look = async () => {
    state.looks++
    const cpuNanos = (clock.monotonic() - begin) * 0.5e6
    return new Map(state.present ? [['a', { cpuNanos, memoryBytes: 100 }]] : [])
  }
  /** Answers, letting time pass for a question that waits. */
  const measure = async () => {
    const before = state.looks
    let usage: Awaited<ReturnType<UsageWindows['measure']>> | undefined
    const asked = windows.measure(look, signal).then((answer) => {
      usage = answer
    })
    for (let turn = 0; turn < 20 && !usage; turn++) await new Promise((resolve) => setImmediate(resolve))
    if (!usage) await clock.advance(1_000)
    await asked
    return { usage: usage?.get('a'), looks: state.looks - before }
  }
  return { clock, state, measure }
}

it('the first question looks twice, a second apart', async () => {
  const { measure } = machine()
  expect(await measure()).toEqual({ usage: { cpuCores: 0.5, memoryBytes: 100, windowMs: 1_000 }, looks: 2 })
})

it('the next ones look once, and their windows reach back to the look before', async () => {
  const { clock, measure } = machine()
  await measure()
  await clock.advance(5_000)
  expect(await measure()).toEqual({ usage: { cpuCores: 0.5, memoryBytes: 100, windowMs: 5_000 }, looks: 1 })
  await clock.advance(300)
  expect(await measure()).toEqual({ usage: { cpuCores: 0.5, memoryBytes: 100, windowMs: 5_300 }, looks: 1 })
})

it('a question after more than a minute begins anew', async () => {
  const { clock, measure } = machine()
  await measure()
  await clock.advance(61_000)
  expect((await measure()).looks).toBe(2)
})

it('what came or went within the window is left out', async () => {
  const { clock, state, measure } = machine()
  await measure()
  state.present = false
  await clock.advance(2_000)
  expect(await measure()).toEqual({ usage: undefined, looks: 1 })
})

it('counters that begin anew have counted nothing', () => {
  const look = (cpuNanos: number, atMs: number) => ({ cpuNanos, memoryBytes: 1, atMs })
  expect(usageBetween(look(0, 0), look(3 * second, 2_000)).cpuCores).toBe(1.5)
  expect(usageBetween(look(5 * second, 0), look(second, 2_000)).cpuCores).toBe(0)
})
