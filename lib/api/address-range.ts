/**
 * Ranges of IPv4 addresses, as 172.30.0.0/16. An address is a number, so that ranges compare and count; texts have one form each, so that
 * two of them are equal when they mean the same.
 */

/** A range whose first address is its network's. */
export interface AddressRange {
  readonly first: number
  readonly prefixLength: number
  readonly size: number
}

/** The address as a number; undefined for anything but four decimal numbers without leading zeros. */
export function parseAddress(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
  if (!match) return undefined
  let address = 0
  for (const part of match.slice(1)) {
    const byte = Number(part)
    if (byte > 255 || String(byte) !== part) return undefined
    address = address * 256 + byte
  }
  return address
}

export function printAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.')
}

/** The range, or undefined: no address and prefix length, or an address that is not the first of the range. */
export function parseRange(text: string): AddressRange | undefined {
  const [address = '', prefix = '', ...rest] = text.split('/')
  const first = parseAddress(address)
  const prefixLength = Number(prefix)
  if (first === undefined || rest.length > 0 || !/^\d{1,2}$/.test(prefix) || String(prefixLength) !== prefix || prefixLength > 32)
    return undefined
  const size = 2 ** (32 - prefixLength)
  return first % size === 0 ? { first, prefixLength, size } : undefined
}

export const printRange = ({ first, prefixLength }: AddressRange) => `${printAddress(first)}/${prefixLength}`

export const isInRange = ({ first, size }: AddressRange, address: number) => address >= first && address < first + size

export const overlap = (a: AddressRange, b: AddressRange) => a.first < b.first + b.size && b.first < a.first + a.size

/** The address of the node's own bridge, by which its workloads reach the outside. */
export const gatewayOf = ({ first }: AddressRange) => first + 1

/** Why a workload cannot have an address of a node's range, in words; undefined when it can. */
export function reservedFor(range: AddressRange, address: number): string | undefined {
  if (address === range.first) return "is the network's own address"
  if (address === gatewayOf(range)) return "is the node's own, the gateway"
  return address === range.first + range.size - 1 ? 'is the broadcast address' : undefined
}

/** Prefix lengths that a node's range may have: room for the node itself and a workload, and not the whole internet. */
export const nodePrefixLengths = { shortest: 8, longest: 30 } as const

/** The range of a node, or why it is none, in words. */
export function parseNodeRange(text: string): AddressRange | { readonly why: string } {
  const range = parseRange(text)
  if (!range) return { why: 'must be a range of IPv4 addresses such as 172.30.1.0/24, beginning with its first address' }
  const { shortest, longest } = nodePrefixLengths
  if (range.prefixLength < shortest || range.prefixLength > longest)
    return { why: `must have a prefix length from ${shortest} to ${longest}` }
  return range
}
