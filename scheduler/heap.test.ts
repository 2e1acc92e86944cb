import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Heap } from './heap.js'

it('a heap gives its items back in order', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), (numbers) => {
      const heap = new Heap<number>((a, b) => a < b)
      for (const number of numbers) heap.push(number)
      const popped = Array.from(numbers, () => heap.pop())
      expect(popped).toEqual([...numbers].sort((a, b) => a - b))
      expect(heap.pop()).toBeUndefined()
      expect(heap.size).toBe(0)
    }),
  )
})
