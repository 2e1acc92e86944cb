import { expect, it } from 'vitest'
import { Semaphore } from './semaphore.js'

const never = new AbortController().signal

it('lets so many act at a time, in order, whether they succeed or not', async () => {
  const semaphore = new Semaphore(2)
  let acting = 0
  let most = 0
  const order: number[] = []
  const act = (n: number) =>
    semaphore.run(never, async () => {
      most = Math.max(most, ++acting)
      order.push(n)
      await new Promise((resolve) => setImmediate(resolve))
      acting--
      if (n % 2 === 0) throw new Error('no')
      return n
    })
  const results = await Promise.allSettled([1, 2, 3, 4, 5, 6, 7].map(act))
  expect(most).toBe(2)
  expect(order).toEqual([1, 2, 3, 4, 5, 6, 7])
  expect(results.map(({ status }) => status === 'fulfilled')).toEqual([true, false, true, false, true, false, true])
})

it('who gives up while waiting takes no place', async () => {
  const semaphore = new Semaphore(1)
  let release: () => void = () => {}
  const first = semaphore.run(never, () => new Promise<void>((resolve) => (release = resolve)))
  const ending = new AbortController()
  const second = semaphore.run(ending.signal, async () => expect.unreachable())
  const third = semaphore.run(never, async () => 'third')
  ending.abort(new Error('enough'))
  await expect(second).rejects.toThrow('enough')
  release()
  await first
  expect(await third).toBe('third')
})
