import { describe, expect, it } from 'vitest'
import { ManualClock } from '../lib/testing/manual-clock.js'
import { aWorkload } from './fixtures/builders.js'
import { SchedulingQueue } from './queue.js'
import type { Workload } from './workload.js'

function aQueue() {
  const clock = new ManualClock()
  let wakes = 0
  const queue = new SchedulingQueue({ clock, onReady: () => wakes++ })
  return { clock, queue, wakes: () => wakes }
}
const named = (name: string, priority = 0, generation = 1): Workload => aWorkload({ name, metadata: { generation }, spec: { priority } })
const popAll = (queue: SchedulingQueue) => {
  const names: string[] = []
  for (let next = queue.pop(); next; next = queue.pop()) names.push(next.name)
  return names
}

describe('the scheduling queue', () => {
  it('gives the highest priority first, and the oldest among equals', () => {
    const { queue } = aQueue()
    for (const workload of [named('a'), named('b', 5), named('c'), named('d', 5), named('e', -1)]) queue.set(workload)
    expect(popAll(queue)).toEqual(['b', 'd', 'a', 'c', 'e'])
  })

  it('keeps an unschedulable workload until an event helps it', () => {
    const { clock, queue } = aQueue()
    queue.set(named('a'))
    queue.set(named('b'))
    for (const name of popAll(queue)) queue.parkUnschedulable(named(name).key)
    expect(queue.sizes).toEqual({ active: 0, backoff: 0, unschedulable: 2 })
    return clock.advance(1_000).then(() => {
      queue.moveHelped((workload) => workload.name === 'b')
      expect(popAll(queue)).toEqual(['b'])
    })
  })

  it('shows the unschedulable to an event by priority', () => {
    const { queue } = aQueue()
    for (const workload of [named('low', -5), named('high', 5), named('mid')]) queue.set(workload)
    for (const name of popAll(queue)) queue.parkUnschedulable(named(name).key)
    const shown: string[] = []
    queue.moveHelped((workload) => shown.push(workload.name) < 0)
    expect(shown).toEqual(['high', 'mid', 'low'])
  })

  it('backs off: 250 ms, then twice as long each time, at most 10 s', async () => {
    const { clock, queue } = aQueue()
    const { key } = named('a')
    queue.set(named('a'))
    for (const delayMs of [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]) {
      expect(queue.pop()?.name).toBe('a')
      queue.parkBackoff(key)
      await clock.advance(delayMs - 1)
      expect(queue.pop()).toBeUndefined()
      await clock.advance(1)
    }
    expect(queue.pop()?.name).toBe('a')
  })

  it('lets a helped workload wait out its back-off', async () => {
    const { clock, queue } = aQueue()
    queue.set(named('a'))
    queue.pop()
    queue.parkUnschedulable(named('a').key)
    queue.moveHelped(() => true)
    expect(queue.sizes).toEqual({ active: 0, backoff: 1, unschedulable: 0 })
    await clock.advance(250)
    expect(queue.pop()?.name).toBe('a')
  })

  it('tries an unschedulable workload again after a minute in any case, and wakes the loop for it', async () => {
    const { clock, queue, wakes } = aQueue()
    queue.set(named('a'))
    queue.pop()
    queue.parkUnschedulable(named('a').key)
    const before = wakes()
    await clock.advance(59_999)
    expect(queue.pop()).toBeUndefined()
    await clock.advance(1)
    expect(wakes()).toBe(before + 1)
    expect(queue.pop()?.name).toBe('a')
  })

  it('tries a changed spec at once, and lets a changed status rest', () => {
    const { queue } = aQueue()
    queue.set(named('a'))
    queue.pop()
    queue.parkUnschedulable(named('a').key)
    queue.set(named('a', 0, 1))
    expect(queue.pop()).toBeUndefined()
    queue.set(named('a', 7, 2))
    expect(queue.pop()?.priority).toBe(7)
  })

  it('orders by the priority that holds now', () => {
    const { queue } = aQueue()
    queue.set(named('a'))
    queue.set(named('b', 1))
    queue.set(named('a', 2, 2))
    expect(popAll(queue)).toEqual(['a', 'b'])
  })

  it('forgets a removed workload in every place', async () => {
    const { clock, queue } = aQueue()
    for (const name of ['active', 'backoff', 'parked', 'out']) queue.set(named(name, name === 'active' ? -1 : 0))
    for (const _ of [1, 2, 3]) queue.pop()
    queue.parkBackoff(named('backoff').key)
    queue.parkUnschedulable(named('parked').key)
    for (const name of ['active', 'backoff', 'parked', 'out']) queue.remove(named(name).key)
    queue.parkBackoff(named('out').key)
    queue.moveHelped(() => true)
    await clock.advance(120_000)
    expect(queue.pop()).toBeUndefined()
    expect(clock.timers).toBe(0)
  })

  it('treats an object of the same name and another uid as new', () => {
    const { queue } = aQueue()
    queue.set(named('a'))
    queue.pop()
    queue.parkUnschedulable(named('a').key)
    queue.set(aWorkload({ name: 'a', metadata: { uid: 'another' } }))
    expect(queue.pop()?.uid).toBe('another')
  })
})
