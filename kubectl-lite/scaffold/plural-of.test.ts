import { expect, it } from 'vitest'
import { pluralOf } from './plural-of.js'

it.each([
  ['pool', 'pools'],
  ['a', 'as'],
  ['web2', 'web2s'],
  ['policy', 'policies'],
  ['gateway', 'gateways'],
  ['y', 'ys'],
  ['ingress', 'ingresses'],
  ['box', 'boxes'],
  ['branch', 'branches'],
  ['mesh', 'meshes'],
])('of %s is %s', (word, plural) => expect(pluralOf(word)).toBe(plural))
