import { describe, expect, it } from 'vitest'
import { editDistance } from './edit-distance.js'

describe('editDistance', () => {
  it.each([
    ['tasks', 'tasks', 0],
    ['taks', 'task', 1],
    ['nodse', 'nodes', 1],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
  ])('%s to %s takes %i steps', (from, to, steps) => {
    expect(editDistance(from, to)).toBe(steps)
    expect(editDistance(to, from)).toBe(steps)
  })
})
