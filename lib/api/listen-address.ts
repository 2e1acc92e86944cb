import ipaddr from 'ipaddr.js'

/** An address that a program can listen on, in its shortest form; undefined for any other text. `0.0.0.0` and `::` are all addresses. */
export function parseListenAddress(text: string): string | undefined {
  const address = parseAddress(text)
  if (!address || address.range() === 'multicast' || address.range() === 'broadcast') return undefined
  return address.toString()
}

/** Whether it stands for all addresses of a machine, of both families. */
export function isEveryAddress(address: string): boolean {
  return address === '0.0.0.0' || address === '::'
}

/** ADDRESS:PORT, or [ADDRESS]:PORT. */
export function printEndpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text)
  if (text.includes('%') || !ipaddr.IPv6.isValid(text)) return undefined
  const address = ipaddr.IPv6.parse(text)
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address
}
