import { expect, it } from 'vitest'
import { StreamShares } from './stream-shares.js'

/** Takes as many as there are for it. */
function takeAll(shares: StreamShares, holder?: string): (() => void)[] {
  const taken: (() => void)[] = []
  for (;;) {
    const leave = shares.take(holder)
    if (!leave) return taken
    taken.push(leave)
  }
}

it('one alone gets half, and whoever comes next always finds some', () => {
  const shares = new StreamShares(1000)
  expect(takeAll(shares, 'a')).toHaveLength(500)
  expect(takeAll(shares, 'b')).toHaveLength(250)
  for (let n = 0; n < 7; n++) expect(takeAll(shares, `c${n}`).length).toBeGreaterThan(0)
})

it('those who take turns get equal shares', () => {
  const shares = new StreamShares(1000)
  const holders = ['a', 'b', 'c']
  let isTaken = true
  while (isTaken) isTaken = holders.map((holder) => shares.take(holder)).some((leave) => leave !== undefined)
  expect(holders.map((holder) => shares.heldBy(holder))).toEqual([250, 250, 250])
})

it('what was given back is there again, once', () => {
  const shares = new StreamShares(4)
  const [first = expect.fail()] = takeAll(shares, 'a')
  first()
  first()
  expect(shares.heldBy('a')).toBe(1)
  expect(takeAll(shares, 'a')).toHaveLength(1)
})

it('what is for nobody in particular takes whatever is free', () => {
  const shares = new StreamShares(10)
  takeAll(shares, 'a')
  expect(takeAll(shares)).toHaveLength(5)
  expect(shares.take('b')).toBeUndefined()
})
