import { expect, it } from 'vitest'
import { watchRoom } from './watch-room.js'

const mebibyte = 1024 * 1024

/** A guest that writes for ever, on a node with so much room at each look, MiB; undefined: QEMU does not answer at that look. */
async function watched(rooms: readonly (number | undefined)[], neededMebibytes: number) {
  const ending = new AbortController()
  const told: (string | undefined)[] = []
  const left = [...rooms]
  let room: number | undefined
  let looks = 0
  let goesOns = 0
  let isHeld = false
  const execute = async (command: string) => {
    if (command === 'query-status') {
      if (left.length === 0) ending.abort()
      room = left.shift()
      looks++
      if (room === undefined) throw new Error('QEMU does not answer')
      if (room === 0) isHeld = true
      return { status: isHeld ? 'io-error' : 'running' }
    }
    expect(command).toBe('cont')
    goesOns++
    isHeld = (room ?? 0) < neededMebibytes
    return {}
  }
  const disk = {
    ask: <T>(question: (qmp: { execute: typeof execute }) => Promise<T>) => question({ execute }),
    folder: '/machines/one',
    readSpace: async () => ({ freeBytes: (room ?? 0) * mebibyte, totalBytes: 1024 * mebibyte }),
  }
  await expect(watchRoom(disk, (held) => told.push(held), ending.signal, 0)).rejects.toThrow()
  expect(looks).toBe(rooms.length + 1)
  return { told, goesOns }
}
const held = expect.stringContaining('as the node had no room for what it wrote to its disk: /machines/one had 0 left')

it.each<[string, readonly (number | undefined)[], number, readonly unknown[], number]>([
  ['with room is left alone', [500, 500, 500], 1, [], 0],
  ['whose QEMU does not answer is left alone', [500, undefined, 500], 1, [], 0],
  ['without room is held, and that is said once', [0, 0, 0, 0], 1, [held], 0],
  ['goes on when there is room again', [0, 300, 300], 1, [held, undefined], 1],
  ['waits for as much room as is kept for others', [0, 20, 20], 1, [held], 0],
  ['for which that was not enough is held again', [0, 100, 100, 300, 300], 200, [held, undefined], 3],
  ['that is held is not forgotten while QEMU does not answer', [0, undefined, 300, 300], 1, [held, undefined], 1],
])('a guest %s', async (_name, rooms, needed, told, goesOns) => {
  expect(await watched(rooms, needed)).toEqual({ told, goesOns })
})
