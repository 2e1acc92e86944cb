import { expect, it } from 'vitest'
import { pathBelow } from './archive-path.js'
import { parsePlace } from './place.js'

it.each<[string, string, readonly string[]]>([
  ['data', 'data', []],
  ['data/', 'data', []],
  ['./data/a/b', 'data', ['a', 'b']],
  ['data//a/./b', 'data', ['a', 'b']],
  ['./a', '.', ['a']],
])('the entry %s of %s goes to %j', (entry, base, below) => {
  expect(pathBelow(entry, base)).toEqual(below)
})

it.each([
  ['/etc/passwd', 'data'],
  ['../data', 'data'],
  ['data/../../x', 'data'],
  ['data/..', 'data'],
  ['other', 'data'],
  ['database', 'data'],
  ['data/a\0b', 'data'],
  ['../x', '.'],
])('the entry %s of %s goes nowhere', (entry, base) => {
  expect(pathBelow(entry, base)).toBeUndefined()
})

it.each([
  ['a/b', { path: 'a/b' }],
  ['./a:b', { path: './a:b' }],
  ['/a:b', { path: '/a:b' }],
  ['hello:/tmp/x', { task: { name: 'hello' }, path: '/tmp/x' }],
  ['other/hello:x', { task: { namespace: 'other', name: 'hello' }, path: 'x' }],
  ['hello:/a:b', { task: { name: 'hello' }, path: '/a:b' }],
])('%s is a place', (word, place) => {
  expect(parsePlace(word)).toEqual(place)
})

it.each(['', 'hello:', ':x', 'a/b/c:x', '/a', 'ns/:x'].filter((word) => word !== '/a'))('"%s" is no place', (word) => {
  expect(() => parsePlace(word)).toThrow()
})
