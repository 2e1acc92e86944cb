import { beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../testing/manual-clock.js'
import { WorkQueue } from './work-queue.js'

let clock: ManualClock
let queue: WorkQueue

beforeEach(() => {
  clock = new ManualClock()
  queue = new WorkQueue({ clock, random: () => 1 })
})

/** What comes out now, without waiting. */
async function taken(): Promise<string[]> {
  const keys: string[] = []
  while (queue.length > 0) keys.push((await queue.take()) ?? '')
  return keys
}

describe('a work queue', () => {
  it('hands a key out once, however often it was added', async () => {
    for (const key of ['a', 'b', 'a', 'a']) queue.add(key)
    expect(await taken()).toEqual(['a', 'b'])
  })

  it('never hands a key out while it is worked on, and hands it out again afterwards when it was added meanwhile', async () => {
    queue.add('a')
    await queue.take()
    queue.add('a')
    queue.add('a')
    expect(queue.length).toBe(0)
    queue.done('a')
    expect(await taken()).toEqual(['a'])
    queue.done('a')
    expect(queue.length).toBe(0)
  })

  it('gives a key to whoever waits for one', async () => {
    const first = queue.take()
    const second = queue.take()
    queue.add('a')
    queue.add('a')
    expect(await first).toBe('a')
    queue.close()
    expect(await second).toBeUndefined()
  })

  it('keeps the earliest of several later times', async () => {
    queue.addAfter('a', 1000)
    queue.addAfter('a', 5000)
    queue.addAfter('a', 200)
    await clock.advance(199)
    expect(queue.length).toBe(0)
    await clock.advance(1)
    expect(await taken()).toEqual(['a'])
    queue.done('a')
    await clock.advance(10_000)
    expect(queue.length).toBe(0)
  })

  it('waits longer with each failure in a row, up to 1,000 s, and starts anew after a success', () => {
    const pauses = Array.from({ length: 20 }, () => queue.retry('a'))
    expect(pauses.slice(0, 5)).toEqual([5, 10, 20, 40, 80])
    expect(pauses.at(-1)).toBe(1_000_000)
    queue.forget('a')
    expect(queue.retry('a')).toBe(5)
  })

  it('leaves up to half of a pause to chance', () => {
    const lucky = new WorkQueue({ clock, random: () => 0 })
    expect(lucky.retry('a')).toBe(2.5)
  })

  it('lets 100 retries through at once, then 10 a second', async () => {
    const pauses = Array.from({ length: 130 }, (_, index) => queue.retry(`key-${index}`))
    expect(pauses.slice(0, 100).every((pause) => pause === 5)).toBe(true)
    expect(pauses.slice(100, 103).map(Math.round)).toEqual([100, 200, 300])
    await clock.advance(1000)
    expect((await taken()).length).toBe(110)
  })

  it('takes nothing in and gives nothing out once it is closed', async () => {
    queue.add('a')
    queue.addAfter('b', 10)
    queue.close()
    queue.add('c')
    await clock.advance(100)
    expect(await queue.take()).toBeUndefined()
    expect(clock.timers).toBe(0)
  })
})
