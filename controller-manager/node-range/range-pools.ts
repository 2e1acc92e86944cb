import { type AddressRange, nodePrefixLengths, overlap, parseRange, printRange } from '../../lib/api/address-range.js'

/** A range of the cluster, and the prefix length of the ranges that nodes get out of it. */
export interface RangePool {
  readonly range: AddressRange
  readonly nodePrefixLength: number
}

/** Of `--cluster-cidr` and `--node-cidr-mask-size`; the last mask holds for all further ranges. Throws an Error that says what is wrong. */
export function readPools(ranges: readonly string[], masks: readonly string[]): RangePool[] {
  const pools: RangePool[] = []
  for (const [index, text] of ranges.entries()) {
    const range = parseRange(text)
    if (!range)
      throw new Error(
        `--cluster-cidr takes ranges of IPv4 addresses such as 172.30.0.0/16, beginning with their first address, not ${text}`,
      )
    const mask = masks[index] ?? masks.at(-1) ?? ''
    const nodePrefixLength = /^\d{1,2}$/.test(mask) ? Number(mask) : Number.NaN
    if (!(nodePrefixLength >= Math.max(range.prefixLength, nodePrefixLengths.shortest) && nodePrefixLength <= nodePrefixLengths.longest))
      throw new Error(
        `--node-cidr-mask-size ${mask} does not fit ${text}: it takes a number from ${Math.max(range.prefixLength, nodePrefixLengths.shortest)} to ${nodePrefixLengths.longest}`,
      )
    const other = pools.find((pool) => overlap(pool.range, range))
    if (other) throw new Error(`--cluster-cidr: ${text} overlaps with ${printRange(other.range)}`)
    pools.push({ range, nodePrefixLength })
  }
  return pools
}

/** The first range of the pools, in their order, that overlaps with none that is taken; `preferred` where that is one. Pure. */
export function freeRange(
  pools: readonly RangePool[],
  taken: readonly AddressRange[],
  preferred: number | undefined,
): AddressRange | undefined {
  const ordered = [...taken].sort((a, b) => a.first - b.first)
  const isFree = (range: AddressRange) => !ordered.some((other) => overlap(range, other))
  for (const { range, nodePrefixLength } of pools) {
    const size = 2 ** (32 - nodePrefixLength)
    if (preferred === undefined || !overlap(range, { first: preferred, prefixLength: 32, size: 1 })) continue
    const around = { first: preferred - (preferred % size), prefixLength: nodePrefixLength, size }
    if (isFree(around)) return around
  }
  for (const pool of pools) {
    const found = firstFree(pool, ordered)
    if (found) return found
  }
  return undefined
}

/** One look at each range that is taken. */
function firstFree({ range, nodePrefixLength }: RangePool, ordered: readonly AddressRange[]): AddressRange | undefined {
  const size = 2 ** (32 - nodePrefixLength)
  let first = range.first
  for (const other of ordered) {
    if (other.first >= first + size) break
    const end = other.first + other.size
    if (end > first) first = Math.ceil(end / size) * size
  }
  return first + size <= range.first + range.size ? { first, prefixLength: nodePrefixLength, size } : undefined
}
