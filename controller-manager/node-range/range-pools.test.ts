import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AddressRange, overlap, parseAddress, parseRange, printRange } from '../../lib/api/address-range.js'
import { freeRange, readPools } from './range-pools.js'

const rangeOf = (text: string) => parseRange(text) as AddressRange
const given = (pools: [string, string][], taken: string[], preferred?: string) => {
  const range = freeRange(
    readPools(
      pools.map(([range]) => range),
      pools.map(([, mask]) => mask),
    ),
    taken.map(rangeOf),
    preferred === undefined ? undefined : parseAddress(preferred),
  )
  return range && printRange(range)
}

const oneMachine: [string, string][] = [
  ['172.30.0.0/16', '16'],
  ['10.230.0.0/16', '24'],
]

describe('the range of a new node', () => {
  it.each<[string, [string, string][], string[], string | undefined, string | undefined]>([
    ['is the first one', [['172.30.0.0/16', '24']], [], undefined, '172.30.0.0/24'],
    ['is behind those that are taken', [['172.30.0.0/16', '24']], ['172.30.0.0/24', '172.30.1.0/24'], undefined, '172.30.2.0/24'],
    ['fills gaps', [['172.30.0.0/16', '24']], ['172.30.0.0/24', '172.30.2.0/24'], undefined, '172.30.1.0/24'],
    ['stays off the ranges that people gave', [['172.30.0.0/16', '24']], ['172.30.0.128/25', '172.30.1.0/30'], undefined, '172.30.2.0/24'],
    ['does not mind ranges outside', [['172.30.0.0/16', '24']], ['10.0.0.0/8'], undefined, '172.30.0.0/24'],
    ['is none when all are taken', [['172.30.0.0/23', '24']], ['172.30.0.0/24', '172.30.1.0/24'], undefined, undefined],
    ['is none when somebody has it all', [['172.30.0.0/16', '24']], ['172.0.0.0/8'], undefined, undefined],
    ['is the whole range of a one-machine cluster', oneMachine, [], undefined, '172.30.0.0/16'],
    ['is of the next range when a second node joins', oneMachine, ['172.30.0.0/16'], undefined, '10.230.0.0/24'],
    ['is the one of the addresses that it has', oneMachine, ['172.30.0.0/16'], '10.230.7.9', '10.230.7.0/24'],
    ['is another when that was given away', oneMachine, ['172.30.0.0/16', '10.230.7.0/24'], '10.230.7.9', '10.230.0.0/24'],
    ['ends with the last of all addresses', [['255.255.254.0/23', '24']], ['255.255.254.0/24'], undefined, '255.255.255.0/24'],
  ])('%s', (_case, pools, taken, preferred, expected) => {
    expect(given(pools, taken, preferred)).toBe(expected)
  })

  it('overlaps with none, and is found while there is room', () => {
    const taken = fc.array(fc.tuple(fc.nat(63), fc.integer({ min: 26, max: 30 })), { maxLength: 12 })
    fc.assert(
      fc.property(taken, fc.option(fc.nat(255), { nil: undefined }), (blocks, preferred) => {
        const base = parseAddress('10.0.0.0') ?? 0
        const ranges = blocks.map(([block, prefixLength]) => ({ first: base + block * 64, prefixLength, size: 2 ** (32 - prefixLength) }))
        const [pool] = readPools(['10.0.0.0/24'], ['28'])
        const found = freeRange(pool ? [pool] : [], ranges, preferred === undefined ? undefined : base + preferred)
        const candidates = Array.from({ length: 16 }, (_, index) => ({ first: base + index * 16, prefixLength: 28, size: 16 }))
        const free = candidates.filter((candidate) => !ranges.some((range) => overlap(candidate, range)))
        expect(found === undefined).toBe(free.length === 0)
        if (found) expect(free).toContainEqual(found)
      }),
    )
  })

  it.each<[string[], string[], string]>([
    [['172.30.0.5/16'], ['24'], '--cluster-cidr takes ranges'],
    [['fd00::/48'], ['64'], '--cluster-cidr takes ranges'],
    [['172.30.0.0/16'], ['12'], '--node-cidr-mask-size 12 does not fit 172.30.0.0/16: it takes a number from 16 to 30'],
    [['172.30.0.0/16'], ['31'], 'does not fit'],
    [['172.30.0.0/16'], ['x'], 'does not fit'],
    [['172.30.0.0/16', '172.30.7.0/24'], ['24'], '172.30.7.0/24 overlaps with 172.30.0.0/16'],
  ])('flags %j %j: %s', (ranges, masks, message) => {
    expect(() => readPools(ranges, masks)).toThrow(message)
  })
})
