import ipaddr from 'ipaddr.js'

/** A range of addresses of either family, as 10.0.0.0/8 or fd00::/8. */
export interface AddressPrefix {
  readonly text: string
  has(address: string): boolean
}

/** Undefined for what is no address and length. */
export function parsePrefix(text: string): AddressPrefix | undefined {
  if (!ipaddr.isValidCIDR(text) || parse(text.split('/')[0] ?? '') === undefined) return undefined
  const [network, length] = ipaddr.parseCIDR(text)
  return {
    text,
    has(address) {
      const parsed = parse(address)
      return parsed !== undefined && parsed.kind() === network.kind() && parsed.match(network, length)
    },
  }
}

/**
 * Whether an address is one of the internet: not the machine's own, of its link, of a private network, of a provider's own one, nor one
 * that stands for another address (NAT64, 6to4, Teredo). An IPv4 address in IPv6's form is judged as what it is.
 */
export function isPublicAddress(text: string): boolean {
  const address = parse(text)
  if (address === undefined || address.range() !== 'unicast') return false
  return address instanceof ipaddr.IPv4 || ((address.parts[0] ?? 0) & 0xe000) === 0x2000
}

function parse(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text)
  const [bare = ''] = text.split('%')
  if (!ipaddr.IPv6.isValid(bare)) return undefined
  const address = ipaddr.IPv6.parse(bare)
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address
}
