import { describe, expect, it } from 'vitest'
import { didYouMean, nearestWord } from './did-you-mean.js'

describe('nearestWord', () => {
  it('finds the word that was meant', () => {
    expect(nearestWord('taskz', ['nodes', 'tasks', 'leases'])).toBe('tasks')
    expect(nearestWord('Comand', ['command', 'args'])).toBe('command')
  })

  it('says nothing when no word is near', () => {
    expect(nearestWord('pizza', ['nodes', 'tasks'])).toBeUndefined()
    expect(didYouMean('pizza', ['nodes', 'tasks'])).toBe('')
  })

  it('prefers the nearer of two', () => {
    expect(didYouMean('lable', ['label', 'labels', 'table'])).toBe(' Did you mean "label"?')
  })
})
