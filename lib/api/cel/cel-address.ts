import { BlockList, isIP, isIPv4 } from 'node:net'
import { isCidr } from '../validation/string-formats.js'
import { CelError } from './cel-value.js'

/** An IP address. */
export class CelAddress {
  constructor(readonly text: string) {}
  get family(): 4 | 6 {
    return isIPv4(this.text) ? 4 : 6
  }
}

/** A range of addresses. */
export class CelCidr {
  constructor(
    readonly address: CelAddress,
    readonly prefix: number,
  ) {}
}

export function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes('%') && !/^::ffff:\d+\./i.test(text)
}

export function parseAddress(text: string): CelAddress {
  if (!isAddress(text)) throw new CelError(`not an IP address: ${JSON.stringify(text.slice(0, 100))}`)
  return new CelAddress(canonicalAddress(text))
}

export function parseCidr(text: string): CelCidr {
  const [address = '', prefix = ''] = text.split('/')
  if (!isCidr(text) || !isAddress(address)) throw new CelError(`not a CIDR: ${JSON.stringify(text.slice(0, 100))}`)
  return new CelCidr(new CelAddress(canonicalAddress(address)), Number(prefix))
}

/** The one way to write an address. */
export function canonicalAddress(text: string): string {
  return isIPv4(text) ? text : new URL(`http://[${text}]/`).hostname.slice(1, -1)
}

export function inCidr(range: CelCidr, address: CelAddress): boolean {
  if (range.address.family !== address.family) return false
  const list = new BlockList()
  list.addSubnet(range.address.text, range.prefix, range.address.family === 4 ? 'ipv4' : 'ipv6')
  return list.check(address.text, address.family === 4 ? 'ipv4' : 'ipv6')
}

const ranges = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linkLocal: ['169.254.0.0/16', 'fe80::/10'],
  multicast: ['224.0.0.0/4', 'ff00::/8'],
} as const

export function isWithin(address: CelAddress, range: keyof typeof ranges): boolean {
  return ranges[range].some((text) => inCidr(parseCidr(text), address))
}

export const isUnspecified = ({ text }: CelAddress) => text === '0.0.0.0' || text === '::'

/** The range with every bit behind its prefix at zero. */
export function maskedCidr({ address, prefix }: CelCidr): CelCidr {
  const size = address.family === 4 ? 32 : 128
  const bits = addressBits(address)
  const kept = (bits >> BigInt(size - prefix)) << BigInt(size - prefix)
  return new CelCidr(new CelAddress(printBits(kept, address.family)), prefix)
}

function addressBits({ text, family }: CelAddress): bigint {
  if (family === 4) return text.split('.').reduce((bits, part) => bits * 256n + BigInt(part), 0n)
  const [head = '', tail] = text.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const middle = Array.from({ length: tail === undefined ? 0 : 8 - left.length - right.length }, () => '0')
  return [...left, ...middle, ...right].reduce((bits, part) => bits * 65_536n + BigInt(`0x${part}`), 0n)
}

function printBits(bits: bigint, family: 4 | 6): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 255n).join('.')
  return canonicalAddress([112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n].map((shift) => ((bits >> shift) & 65_535n).toString(16)).join(':'))
}
