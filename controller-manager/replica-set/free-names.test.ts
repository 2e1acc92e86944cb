import { expect, it } from 'vitest'
import { isDnsLabel } from '../../lib/api/names.js'
import { freeNames } from './free-names.js'

const set = { name: 'web-7bd', uid: 'uid-1' }

it('names of tasks are those of their set with five characters, always the same ones, and another one for each that is in use', () => {
  const names = freeNames(set, 3, new Set())
  expect(names.every((name) => /^web-7bd-[a-z0-9]{5}$/.test(name))).toBe(true)
  expect(new Set(names).size).toBe(3)
  expect(freeNames(set, 3, new Set())).toEqual(names)
  expect(freeNames({ ...set, uid: 'uid-2' }, 3, new Set())).not.toEqual(names)
  const [first = '', second, third] = names
  expect(freeNames(set, 2, new Set([first]))).toEqual([second, third])
})

it('names of tasks fit', () => {
  for (const name of ['a'.repeat(63), `${'a'.repeat(56)}-${'b'.repeat(6)}`])
    expect(freeNames({ name, uid: 'u' }, 20, new Set()).every(isDnsLabel)).toBe(true)
})
