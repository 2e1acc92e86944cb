import { expect, it } from 'vitest'
import { systemClock } from '../../lib/base/clock.js'
import { openMemoryStore } from './open-memory-store.js'
import type { Decide } from './store.js'
import { draftOf, policyOf, task, writer } from './testing/store-writes.js'

/** A decision about something large. */
function slowly(decide: Decide): Decide {
  return (current, view) => {
    for (const start = performance.now(); performance.now() - start < 10; );
    return decide(current, view)
  }
}

it.each<[string, Decide]>([
  ['change nothing', () => ({ type: 'unchanged' })],
  [
    'are refused',
    () => {
      throw new Error('no')
    },
  ],
  ['write', () => ({ type: 'put', draft: draftOf(task('a')) })],
])('slow decisions that %s leave the loop its turns', async (_what, decide) => {
  const store = await openMemoryStore({ policyOf, clock: systemClock })
  let decided = 0
  let mostInOneTurn = 0
  let isDone = false
  const turn = () => {
    mostInOneTurn = Math.max(mostInOneTurn, decided)
    decided = 0
    if (!isDone) setImmediate(turn)
  }
  setImmediate(turn)
  const counted = slowly((current, view) => {
    decided++
    return decide(current, view)
  })
  await Promise.allSettled(Array.from({ length: 30 }, (_, index) => store.write(task(`t${index}`), counted, writer)))
  isDone = true
  expect(Math.max(mostInOneTurn, decided)).toBeLessThan(6)
  await store.close()
})
