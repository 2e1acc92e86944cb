import { describe, expect, it } from 'vitest'
import { overlap, parseAddress, parseNodeRange, parseRange, printAddress, printRange, reservedFor } from './address-range.js'

const rangeOf = (text: string) => {
  const range = parseRange(text)
  if (!range) throw new Error(`${text} is no range`)
  return range
}

describe('an address', () => {
  it.each(['0.0.0.0', '172.30.0.5', '255.255.255.255', '10.0.200.1'])('%s is read and printed', (text) => {
    expect(printAddress(parseAddress(text) ?? -1)).toBe(text)
  })
  it.each(['', '1.2.3', '1.2.3.4.5', '1.2.3.256', '01.2.3.4', '0x1.2.3.4', ' 1.2.3.4', '1.2.3.-4', '::1', '1e1.2.3.4'])(
    '%j is none',
    (text) => expect(parseAddress(text)).toBeUndefined(),
  )
})

describe('a range', () => {
  it.each(['172.30.0.0/16', '10.0.0.0/8', '192.168.1.4/30', '0.0.0.0/0', '1.2.3.4/32'])('%s is read and printed', (text) => {
    expect(printRange(rangeOf(text))).toBe(text)
  })
  it.each([
    '172.30.0.1/16',
    '172.30.0.0',
    '172.30.0.0/33',
    '172.30.0.0/016',
    '172.30.0.0/16/1',
    '/16',
    'x/16',
    '172.30.0.0/-1',
    '172.30.0.0/1e1',
  ])('%j is none', (text) => expect(parseRange(text)).toBeUndefined())
  it.each([
    ['10.0.0.0/24', '10.0.0.0/16', true],
    ['10.0.0.0/24', '10.0.1.0/24', false],
    ['10.0.1.0/24', '10.0.0.0/24', false],
    ['0.0.0.0/0', '255.255.255.0/24', true],
  ])('%s and %s: overlap %s', (a, b, expected) => {
    expect(overlap(rangeOf(a), rangeOf(b))).toBe(expected)
    expect(overlap(rangeOf(b), rangeOf(a))).toBe(expected)
  })
  it.each([
    ['172.30.0.0', "is the network's own address"],
    ['172.30.0.1', "is the node's own, the gateway"],
    ['172.30.255.255', 'is the broadcast address'],
    ['172.30.0.2', undefined],
    ['172.30.0.255', undefined],
  ])('of 172.30.0.0/16, %s %s', (address, why) => {
    expect(reservedFor(rangeOf('172.30.0.0/16'), parseAddress(address) ?? 0)).toBe(why)
  })
  it.each(['10.0.0.0/7', '10.0.0.0/31', '10.0.0.5/24', 'fd00::/64'])('%s is no range of a node', (text) => {
    expect(parseNodeRange(text)).toHaveProperty('why')
  })
})
