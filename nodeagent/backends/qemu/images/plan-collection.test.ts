import { expect, it } from 'vitest'
import { type CachedImage, planCollection } from './plan-collection.js'

const gib = 2 ** 30
const now = 1_000_000_000
const image = (name: string, ageHours: number, more: Partial<CachedImage> = {}): CachedImage => ({
  name,
  bytes: 2 * gib,
  lastUsedMs: now - ageHours * 3_600_000,
  isUsed: false,
  ...more,
})
const disk = (freeGib: number) => ({ freeBytes: freeGib * gib, totalBytes: 100 * gib })
const three = [image('new', 1), image('old', 9), image('middle', 5)]

it.each<[string, readonly CachedImage[], number, number, string[]]>([
  ['room is there', three, 40, 0, []],
  ['room is there for what is needed', three, 40, 40, []],
  ['what is needed is not there: the oldest, as few as will do', three, 40, 43, ['old', 'middle']],
  ['more is needed than they hold', three, 40, 60, ['old', 'middle', 'new']],
  ['the disk is nearly full: until a fifth is free', three, 15, 0, ['old', 'middle', 'new']],
  ['the disk was nearly full', [image('a', 3, { bytes: 9 * gib }), image('b', 2), image('c', 1)], 12, 0, ['a']],
  ['the disk is a little less full', three, 16, 0, []],
  ['one is in use', [image('old', 9, { isUsed: true }), image('new', 1)], 5, 0, ['new']],
  ['one was asked for just now', [image('old', 0.01), image('new', 1)], 5, 0, ['new']],
  ['a clock went back', [image('later', -5)], 5, 0, ['later']],
  ['there is none', [], 1, 50, []],
])('%s', (_case, images, freeGib, neededGib, gone) => {
  expect(planCollection(images, disk(freeGib), neededGib * gib, now)).toEqual(gone)
})
