import { expect, it } from 'vitest'
import { whichGivesWay } from './which-gives-way.js'

/** `a1` is a busy one of the namespace a, `a1?` an idle one. */
const heldAs = (names: string) =>
  names
    .split(' ')
    .filter((name) => name !== '')
    .map((name) => ({ name, namespace: name.charAt(0), isIdle: name.endsWith('?') }))

it.each([
  ['the first of those that hang, where all are of one namespace', 'a1 a2 a3', 'a', 'a1'],
  ['an idle one of its own before one that hangs', 'a1 a2? a3', 'a', 'a2?'],
  ['one of the namespace that has more', 'b1 a1 a2', 'b', 'a1'],
  ['an idle one of the namespace that has more', 'b1? a1 a2?', 'b', 'a2?'],
  ['its own, where it has most, though another has an idle one', 'b1? a1 a2', 'a', 'a1'],
  ['its own, where another has as many', 'b1? b2? a1 a2', 'a', 'a1'],
  ['one of them that has most, where it has none', 'b1 a1 a2 c1', 'd', 'a1'],
  ['the one that is busy for longest, where each has one', 'c1 a1 b1', 'd', 'c1'],
  ['an idle one, where each has one', 'c1 a1? b1', 'd', 'a1?'],
  ['none, where there is none', '', 'd', undefined],
])('%s gives way', (_says, held, namespace, expected) => {
  expect(whichGivesWay(heldAs(held), namespace)?.name).toBe(expected)
})
