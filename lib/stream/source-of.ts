import { isIPv6 } from 'node:net'

/** Who is counted as one: an IPv4 address, or the /64 of an IPv6 address, since whoever has one of these has all of them. Pure. */
export function sourceOf(address: string): string {
  const plain = address.replace(/^::ffff:/, '').replace(/%.*$/, '')
  if (!isIPv6(plain)) return plain
  const [head = '', tail] = plain.split('::')
  const groups = head === '' ? [] : head.split(':')
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length)
  return [...groups, ...Array.from({ length: missing }, () => '0')].slice(0, 4).join(':')
}
