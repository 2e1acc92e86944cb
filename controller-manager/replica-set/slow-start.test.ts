import { expect, it } from 'vitest'
import { slowStart } from './slow-start.js'

const numbers = (count: number) => Array.from({ length: count }, (_unused, index) => index)

it('does everything, a few at first and then ever more at once', async () => {
  const batches: number[] = []
  let atOnce = 0
  const { done, failures } = await slowStart(numbers(11), async (number) => {
    atOnce++
    await Promise.resolve()
    if (atOnce > 0) batches.push(atOnce)
    atOnce = 0
    return number
  })
  expect(done).toEqual(numbers(11))
  expect(failures).toEqual([])
  expect(batches).toEqual([1, 2, 4, 4])
})

it.each([
  ['all', 0, 1],
  ['from the second on', 1, 3],
  ['from the tenth on', 9, 15],
])('stops where things are refused: %s', async (_what, from, asked) => {
  let calls = 0
  const { done, failures } = await slowStart(numbers(100), async (number) => {
    calls++
    if (number >= from) throw new Error('refused')
  })
  expect([calls, done.length, failures.length]).toEqual([asked, from, asked - from])
})
