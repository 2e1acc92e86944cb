import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../lib/api/define-kind.js'
import { Event } from '../../lib/api/kinds/event.js'
import { timestamp } from '../../lib/base/clock.js'
import { controlledCluster } from '../fixtures/controlled-cluster.js'
import { EventAges, lastSeenMs } from './event-ages.js'

const second = (count: number) => timestamp(count * 1000)
const event = (name: string, seen: number): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name, namespace: 'default', uid: name, resourceVersion: '1', creationTimestamp: second(0) },
  involvedObject: {},
  lastTimestamp: second(seen),
})

describe('the age of an Event', () => {
  const metadata = { name: 'a', uid: 'a', resourceVersion: '1', creationTimestamp: second(10) }
  it.each([
    ['its creation, when it says nothing', {}, 10],
    ['when it was last seen', { firstTimestamp: second(20), lastTimestamp: second(30) }, 30],
    ['the newest of a series', { eventTime: second(20), series: { count: 2, lastObservedTime: second(40) } }, 40],
    ['its creation, when it names no earlier time that is right', { lastTimestamp: null, firstTimestamp: 'yesterday' }, 10],
  ])('counts from %s', (_name, times, expected) => {
    expect(lastSeenMs({ metadata, ...(times as Partial<Event>) })).toBe(expected * 1000)
  })

  it('is known of those that are there', () => {
    const ages = new EventAges()
    const now = 100_000
    ages.begin()
    for (const object of [event('old', 10), event('new', 90), event('gone', 10)]) ages.set(object, now)
    ages.complete()
    ages.delete(event('gone', 10))
    expect(ages.seenBefore(60_000).map(({ name }) => name)).toEqual(['old'])
    ages.set(event('old', 95), now)
    expect(ages.seenBefore(60_000)).toEqual([])
    ages.begin()
    ages.set(event('new', 90), now)
    ages.complete()
    expect(ages.size).toBe(1)
  })

  it('is never below nothing, whatever the Event says', () => {
    const ages = new EventAges()
    ages.set(event('from the future', 1_000_000), 50_000)
    expect(ages.seenBefore(60_000).map(({ name }) => name)).toEqual(['from the future'])
  })
})

it('an Event goes an hour after it was last seen', async () => {
  await using cluster = await controlledCluster({ only: ['event-ttl'] })
  const events = cluster.admin.of(Event)
  const add = (name: string) =>
    events.create({
      metadata: { name },
      involvedObject: { kind: 'Task', namespace: 'default', name: 'a' },
      lastTimestamp: timestamp(cluster.cluster.clock.now()),
    })
  const names = async () => (await events.list({ namespace: 'default' })).items.map(({ metadata }) => metadata.name)
  await add('once')
  await add('again')
  await cluster.cluster.clock.advance(3_000_000)
  await events.mergePatch({ namespace: 'default', name: 'again' }, { lastTimestamp: timestamp(cluster.cluster.clock.now()) })
  await cluster.pass(540)
  expect(await names()).toEqual(['again', 'once'])
  await cluster.until(async () => expect(await names()).toEqual(['again']), 120)
  await cluster.cluster.clock.advance(2_900_000)
  await cluster.until(async () => expect(await names()).toEqual([]), 200)
})
