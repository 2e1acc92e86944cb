import { describe, expect, it } from 'vitest'
import { WaitingRoom } from './waiting-room.js'

/** Comes in; says who is sent away. */
function aRoom(limits: { total: number; perAddress: number }) {
  const room = new WaitingRoom(limits)
  const gone: string[] = []
  let number = 0
  const enter = (address: string) => {
    const name = `${address}#${++number}`
    return room.enter(address, () => gone.push(name))
  }
  return { room, gone, enter }
}

describe('the waiting room', () => {
  it('sends away the one of an address that has waited longest, for another one of that address', () => {
    const { room, gone, enter } = aRoom({ total: 100, perAddress: 2 })
    for (const address of ['a', 'a', 'b', 'a', 'a']) enter(address)
    expect(gone).toEqual(['a#1', 'a#2'])
    expect(room.size).toBe(3)
  })

  it('sends away one of those who have most, when it is full', () => {
    const { room, gone, enter } = aRoom({ total: 4, perAddress: 10 })
    for (const address of ['a', 'b', 'b', 'b', 'c', 'd']) enter(address)
    expect(gone).toEqual(['b#2', 'b#3'])
    expect(room.size).toBe(4)
  })

  it('forgets who has left, once', () => {
    const { room, gone, enter } = aRoom({ total: 2, perAddress: 2 })
    const leave = enter('a')
    leave()
    leave()
    for (let n = 0; n < 2; n++) enter('a')
    expect([room.size, gone]).toEqual([2, []])
  })

  it.each([
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['2001:db8:0:1::1', '2001:db8:0:1:ffff::2'],
    ['fe80::1%eth0', 'fe80::2'],
  ])('takes %s and %s for one source', (one, other) => {
    const { gone, enter } = aRoom({ total: 10, perAddress: 1 })
    enter(one)
    enter(other)
    enter('2001:db8:0:2::1')
    expect(gone).toHaveLength(1)
  })
})
