import { describe, expect, it } from 'vitest'
import { isApiErrorWithReason } from './api-error.js'
import { matchesLabels, parseLabelSelector } from './label-selector.js'

const labels = { app: 'web', tier: 'front', 'millrace.dev/size': '12', empty: '' }

describe('a label selector', () => {
  it.each([
    ['', true],
    ['app', true],
    ['!app', false],
    ['nope', false],
    ['!nope', true],
    ['app=web', true],
    ['app==web', true],
    ['app = web', true],
    ['app!=web', false],
    ['nope!=web', true],
    ['app in (web,api)', true],
    ['app in (api)', false],
    ['app notin (api)', true],
    ['nope notin (api)', true],
    ['app=web,tier=front', true],
    ['app=web,tier=back', false],
    ['app in (a,b),tier', false],
    ['millrace.dev/size>11', true],
    ['millrace.dev/size<11', false],
    ['app>3', false],
    ['empty=', true],
    ['empty in ()', true],
  ])('%j matches: %s', (text, expected) => expect(matchesLabels(parseLabelSelector(text), labels)).toBe(expected))

  it.each([
    '=web',
    'app=web=x',
    'app in (a',
    'app in a',
    'a b',
    'app,',
    '-x=1',
    'app in ((a))',
    'app>x',
    'app=spa ce',
    `${'k'.repeat(64)}=1`,
  ])('refuses %j as a bad request', (text) => {
    expect(() => parseLabelSelector(text)).toThrow(expect.toSatisfy(isApiErrorWithReason('BadRequest')))
  })

  it('does not look into the prototype of labels', () => {
    expect(matchesLabels(parseLabelSelector('constructor'), {})).toBe(false)
  })

  it('has at most a thousand terms and values', () => {
    const many = (text: string, count: number) => Array(count).fill(text).join(',')
    expect(parseLabelSelector(many('!a', 1000))).toHaveLength(1000)
    for (const text of [many('!a', 1001), `a in (${many('b', 1001)})`, `${many('!a', 600)},a notin (${many('b', 600)})`])
      expect(() => parseLabelSelector(text)).toThrow(expect.toSatisfy(isApiErrorWithReason('BadRequest')))
  })
})
